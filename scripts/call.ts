import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from './stack/folders.ts';
import { rememberedPorts } from './stack/ports.ts';

// node scripts/call.ts METHOD [JSON] [buf curl options]: one gRPC call to the local stack, by reflection.
// METHOD is Login, AuthService.Login or whispr.auth.v1.AuthService/Login.
const [method, ...rest] = process.argv.slice(2);
const [body, options] =
  rest[0]?.startsWith('-') === true ? ['{}', rest] : [rest[0] ?? '{}', rest.slice(1)];

if (method === undefined) {
  console.error(`usage: call METHOD [JSON] [OPTION…]. Methods:\n  ${allMethods().join('\n  ')}`);
  process.exitCode = 2;
} else {
  call(method);
}

function call(wanted: string): void {
  const found = allMethods().filter((path) => isMeant(path, wanted));
  if (found.length !== 1) {
    console.error(`'${wanted}' names ${found.length} methods. ${found.join(' ')}`);
    process.exitCode = 2;
    return;
  }
  const port = process.env['GRPC_PORT'] ?? rememberedPorts().grpc ?? 50_051;
  const plaintext = ['--protocol', 'grpc', '--http2-prior-knowledge'];
  const result = spawnSync(
    join(checkout, 'node_modules', '.bin', 'buf'),
    ['curl', ...plaintext, '-d', body, ...options, `http://127.0.0.1:${port}/${found[0]}`],
    { stdio: 'inherit', cwd: checkout },
  );
  process.exitCode = result.status ?? 1;
}

function isMeant(path: string, wanted: string): boolean {
  return path === wanted || path.replace('/', '.').endsWith(`.${wanted.replace('/', '.')}`);
}

function allMethods(): string[] {
  const files = globSync('proto/whispr/**/*_service.proto', { cwd: checkout }).sort();
  return files.flatMap((file) => methodsIn(readFileSync(join(checkout, file), 'utf8')));
}

function methodsIn(proto: string): string[] {
  const packageName = /^package ([\w.]+);/m.exec(proto)?.[1] ?? '';
  const service = /^service (\w+)/m.exec(proto)?.[1] ?? '';
  const methods = proto.matchAll(/^ {2}rpc (\w+)\(/gm);
  return [...methods].map(([, name]) => `${packageName}.${service}/${name ?? ''}`);
}
