/** Entry of the buf plugin: reads a CodeGeneratorRequest on stdin, answers on stdout. */
import { runNodeJs } from '@bufbuild/protoplugin';
import { openapiPlugin } from './generate.ts';

runNodeJs(openapiPlugin);
