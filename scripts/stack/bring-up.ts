import { step } from '../bootstrap/progress.mjs';
import type { Running } from '../process/launch.ts';
import { envoyProgram, valkeyProgram } from '../tools/programs.ts';
import { serviceEnvironment } from './environment.ts';
import { folders } from './folders.ts';
import { startEnvoy, startInbox, startService } from './members.ts';
import { choosePorts, type Ports } from './ports.ts';
import { endPart, MEMBERS } from './records.ts';
import { prepareStores, startPostgres, startValkey } from './stores.ts';

/** A stack whose readiness route answered through the edge. */
export type Stack = { readonly ports: Ports; readonly running: readonly Running[] };

/** Starts the members one after the other. Nothing new is started once the signal is aborted. */
export async function bringUp(stop: AbortSignal): Promise<Stack> {
  const ports = await choosePorts();
  const { home, secrets } = prepareStores();
  const [envoy, valkey] = await Promise.all([
    envoyProgram(folders.tools),
    valkeyProgram(folders.tools),
  ]);
  const starts: readonly (readonly [string, () => Promise<Running>])[] = [
    ['PostgreSQL', () => startPostgres(home, ports, secrets)],
    ['Valkey', () => startValkey(valkey, ports, secrets)],
    ['SMS inbox', () => startInbox(ports)],
    ['Service, with migrations', () => startService(ports, secrets)],
    ['Envoy, until ready', () => startEnvoy(envoy, ports, serviceEnvironment(ports, secrets))],
  ];
  const running: Running[] = [];
  for (const [title, start] of starts) {
    stop.throwIfAborted();
    running.push(await step(title, start));
  }
  return { ports, running };
}

/** Ends every member that is recorded and returns their names. */
export async function takeDown(): Promise<string[]> {
  const ended: string[] = [];
  for (const member of MEMBERS) {
    if (await endPart(member)) {
      ended.push(member);
    }
  }
  return ended;
}
