import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { folders } from '../scripts/stack/folders.ts';
import { envoyProgram } from '../scripts/tools/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'auth-envoy-'));
const file = join(folder, 'envoy.yaml');
let envoy: string;

beforeAll(async () => {
  envoy = await envoyProgram(folders.tools);
}, 180_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function render(args: readonly string[], environment: Record<string, string> = {}) {
  const script = join(import.meta.dirname, 'render.ts');
  const env = { PATH: process.env['PATH'], ...environment };
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env });
}

describe('Envoy accepts the configuration', () => {
  const shared = { METRICS_ENABLED: 'true', CORS_ORIGINS: 'https://app.example.com' };
  it.each([
    ['with nothing said', [], {}],
    ['of the local stack', ['--rest-port', '3101', '--admin-port', '9902'], shared],
    ['of development', [], { ...shared, NODE_ENV: 'development' }],
    ['of two replicas', ['--replica', '127.0.0.1:50052'], shared],
    ['of containers', ['--grpc-host', 'auth', '--listen-host', '0.0.0.0'], shared],
    ['that brings the descriptors itself', ['--inline-descriptor', '--trusted-hops', '2'], {}],
  ])('is a configuration that Envoy accepts: %s', (_name, args, environment) => {
    expect(render([...args, '--out', file], environment)).toMatchObject({ status: 0, stderr: '' });
    const options = ['--mode', 'validate', '-c', file, '--use-dynamic-base-id'];
    const result = spawnSync(envoy, [...options, '--log-level', 'warning'], { encoding: 'utf8' });
    expect(`${result.stdout}${result.stderr}`.trim()).toBe(`configuration '${file}' OK`);
    expect(result.status).toBe(0);
  });

  it('which goes to the standard output where no file is named', () => {
    expect(render([]).stdout).toContain('static_resources:');
  });

  it('and nothing is written for a wrong flag or origin', () => {
    expect(render(['--rest-port', 'x'])).toMatchObject({ status: 1, stdout: '' });
    const wrong = render([], { CORS_ORIGINS: '*' });
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('CORS_ORIGINS')]);
  });
});
