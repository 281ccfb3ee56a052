import { existsSync } from 'node:fs';
import { type Compose, mapOf, pathFrom, stagesOf, textOf, textsOf, type YamlMap } from './read.ts';

// The part of the Compose Specification that our files use; anything else is a slip until it is added here.
const TOP = ['name', 'services', 'volumes', 'networks'];
const SERVICE = [
  ...['build', 'image', 'command', 'init', 'restart', 'stop_grace_period'],
  ...['environment', 'env_file', 'ports', 'volumes', 'depends_on', 'healthcheck'],
  ...['read_only', 'cap_drop', 'security_opt'],
];
const BUILD = ['context', 'dockerfile', 'target'];
const HEALTHCHECK = ['test', 'interval', 'timeout', 'retries'];
const RESTART = ['no', 'unless-stopped'];
const PORT = /^(127\.0\.0\.1:)?\d{1,5}:\d{1,5}$/;
const DURATION = /^\d+(s|m)$/;
const PINNED_IMAGE = /^[\w./-]+:(?!latest$)[\w.-]*\d[\w.-]*$/;

/** Everything that is wrong with a compose file; empty when nothing is. */
export function problemsOf(compose: Compose): string[] {
  return [
    ...unknown('the file', compose.document, TOP),
    ...compose.services.flatMap(([name, service]) => [
      ...unknown(name, service, SERVICE),
      ...imageProblems(compose, name, service),
      ...dependencyProblems(compose, name, service),
      ...mountProblems(compose, name, service),
      ...formatProblems(name, service),
    ]),
    ...unusedVolumes(compose),
  ];
}

function unknown(where: string, map: YamlMap, known: readonly string[]): string[] {
  const keys = Object.keys(map).filter((key) => !known.includes(key) && !key.startsWith('x-'));
  return keys.map((key) => `${where} has the unknown key ${key}`);
}

function imageProblems(compose: Compose, name: string, service: YamlMap): string[] {
  const { image, build } = service;
  if ((image === undefined) === (build === undefined)) {
    return [`${name} needs an image or a build, and not both`];
  }
  if (build === undefined) {
    return PINNED_IMAGE.test(textOf(image)) ? [] : [`${name} has an image without a version`];
  }
  const { context, dockerfile, target } = mapOf(build);
  const file = pathFrom(compose, `${textOf(context)}/${textOf(dockerfile)}`);
  const isStage = stagesOf(file).includes(textOf(target));
  return [
    ...unknown(`${name}.build`, mapOf(build), BUILD),
    ...(isStage ? [] : [`${name} builds ${textOf(target)}, which ${file} does not have`]),
  ];
}

function dependencyProblems(compose: Compose, name: string, service: YamlMap): string[] {
  const all = new Map(compose.services);
  return Object.entries(mapOf(service['depends_on'])).flatMap(([other, options]) => {
    const dependency = all.get(other);
    const { condition } = mapOf(options);
    switch (dependency && condition) {
      case 'service_started':
        return [];
      case 'service_healthy':
        return dependency?.['healthcheck'] === undefined
          ? [`${name} waits for the health of ${other}, which has no check`]
          : [];
      case 'service_completed_successfully':
        return dependency?.['restart'] === 'no'
          ? []
          : [`${name} waits for the end of ${other}, which would be restarted`];
      default:
        return [`${name} depends on ${other} in a way that does not exist`];
    }
  });
}

function mountProblems(compose: Compose, name: string, service: YamlMap): string[] {
  const declared = mapOf(compose.document['volumes']);
  return textsOf(service['volumes']).flatMap((mount) => {
    const [source = '', target] = mount.split(':');
    if (target === undefined) {
      return source.startsWith('/') ? [] : [`${name} mounts ${mount} nowhere`];
    }
    const isThere = source.startsWith('.')
      ? existsSync(pathFrom(compose, source))
      : source in declared;
    return isThere ? [] : [`${name} mounts ${source}, which does not exist`];
  });
}

function formatProblems(name: string, service: YamlMap): string[] {
  const { restart = 'no', healthcheck = {}, stop_grace_period: grace = '10s' } = service;
  const check = mapOf(healthcheck);
  const durations = [grace, check['interval'] ?? '1s', check['timeout'] ?? '1s'].map(textOf);
  const ports = textsOf(service['ports']).filter((port) => !PORT.test(port));
  return [
    ...unknown(`${name}.healthcheck`, check, HEALTHCHECK),
    ...(RESTART.includes(textOf(restart)) ? [] : [`${name} restarts ${textOf(restart)}`]),
    ...durations
      .filter((text) => !DURATION.test(text))
      .map((text) => `${name}: ${text} is no time`),
    ...ports.map((port) => `${name} publishes ${port}, which is no port`),
  ];
}

function unusedVolumes(compose: Compose): string[] {
  const used = compose.services.flatMap(([, service]) => textsOf(service['volumes']));
  const declared = Object.keys(mapOf(compose.document['volumes']));
  const unused = declared.filter((name) => !used.some((mount) => mount.startsWith(`${name}:`)));
  return unused.map((name) => `nobody mounts the volume ${name}`);
}
