import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { step } from '../../scripts/bootstrap/progress.mjs';
import { LEDGER } from '../../scripts/process/ledger.ts';
import { freePort } from '../../scripts/process/port.ts';
import { folders } from '../../scripts/stack/folders.ts';
import { closeRun, openRun } from '../../scripts/test-run/run-folder.ts';
import { build } from './build.ts';
import { Generator } from './load/generator.ts';
import type { Measurement, Targets } from './load/messages.ts';
import { measuredMs, planFrom, turnOf } from './plan.ts';
import type { Plan, ScenarioName } from './plan.ts';
import { startEcho, startService } from './processes.ts';
import type { TimedProcess } from './processes.ts';
import { profiling, hotSpots } from './profile.ts';
import { reportOf, tableOf, writeReport } from './report.ts';
import { seed } from './seed.ts';
import { environmentFor } from './settings.ts';
import { startStores } from './stores.ts';
import { residentMegabytes } from './usage.ts';

const profiles = join(folders.local, 'bench', 'profile');
const words = process.argv.slice(2);

try {
  await bench(planFrom(words));
} catch (error) {
  console.error(Error.isError(error) ? error.message : error);
  process.exitCode = 1;
}

/** Everything is stopped in the opposite order of its start, also when a step fails. */
async function bench(plan: Plan): Promise<void> {
  if (!process.version.startsWith('v24.')) throw new Error('Run it by `just bench`: on Node 24');
  const run = await openRun();
  process.env[LEDGER] = run.ledger;
  const opened: (() => unknown)[] = [() => closeRun(run)];
  const stopAll = async () => {
    for (const stop of opened.splice(0).reverse()) await stop();
  };
  process.once('SIGINT', () => void stopAll().finally(() => process.exit(130)));
  process.once('SIGTERM', () => void stopAll().finally(() => process.exit(143)));
  let loadedAt = 0;
  try {
    loadedAt = await measureAll(plan, run.temporary, opened);
  } finally {
    await stopAll();
  }
  if (plan.isProfiled) console.log(['', ...hotSpots(profiles, loadedAt)].join('\n'));
}

/** Returns when the first round began, in microseconds of the monotonic clock. */
async function measureAll(plan: Plan, folder: string, opened: (() => unknown)[]): Promise<number> {
  await step('Building the service', build);
  const stores = await startStores(folder);
  opened.push(() => stores.stop());
  const generator = await Generator.start();
  opened.push(() => generator.stop());
  const serviceTestToken = randomBytes(24).toString('base64url');
  const { inboxPort } = generator;
  const ports = { grpcPort: await freePort(), inboxPort };
  const environment = environmentFor({ ...ports, serviceTestToken, stores: stores.settings });
  const http2Echo = await startEcho('http2-echo', folder);
  const grpcEcho = await startEcho('grpc-echo', folder);
  opened.push(() => http2Echo.stop());
  opened.push(() => grpcEcho.stop());
  const { service, readyMs } = await timedStarts(plan, environment, folder);
  opened.push(() => service.stop());
  await sleep(plan.idleMs);
  const idleMegabytes = residentMegabytes(service.pid);
  const seeds = await step('Seeding accounts and tokens', () => seed(environment));
  const { postgresPid } = stores;
  const targets = { http2Echo, grpcEcho, service, postgresPid, serviceTestToken };
  await generator.prepare(plain(targets), seeds);
  await warmUp(plan, generator);
  const loadedAt = Number(process.hrtime.bigint() / 1000n);
  const rounds = await measureRounds(plan, generator);
  await sleep(plan.idleMs);
  const afterMegabytes = residentMegabytes(service.pid);
  const command = ['just bench', ...words].join(' ');
  const findings = { command, rounds, readyMs, idleMegabytes, afterMegabytes };
  const report = reportOf(findings, folder);
  console.log(`\n${tableOf(report)}\n\n${writeReport(report, rounds)}`);
  if (report.rows.some(({ failed }) => failed > 0)) process.exitCode = 1;
  return loadedAt;
}

/** Without the functions, which no message to another process can carry. */
function plain(targets: Targets): Targets {
  const { http2Echo, grpcEcho, service, ...rest } = targets;
  const target = ({ port, pid }: Targets['service']) => ({ port, pid });
  return {
    ...rest,
    http2Echo: target(http2Echo),
    grpcEcho: target(grpcEcho),
    service: target(service),
  };
}

/** Starts the service as often as it is to be timed; the last one stays. */
async function timedStarts(
  plan: Plan,
  environment: Readonly<Record<string, string>>,
  folder: string,
): Promise<{ service: TimedProcess; readyMs: number[] }> {
  const nodeOptions = [...plan.nodeOptions, ...(plan.isProfiled ? profiling(profiles) : [])];
  const start = () => startService(environment, { folder, nodeOptions });
  // Makes the signing keys, which only the first start on an empty database has to do.
  const first = await step('Starting the service', start);
  const readyMs: number[] = [];
  let service = first;
  for (let count = 0; count < plan.starts; count += 1) {
    await service.stop();
    if (plan.isProfiled) profiling(profiles);
    service = await start();
    readyMs.push(service.readyMs);
  }
  return { service, readyMs };
}

async function warmUp({ scenarios, firstWarmUpMs }: Plan, generator: Generator): Promise<void> {
  await step('Warming up', async () => {
    for (const scenario of scenarios) {
      await generator.run({ scenario, warmUpMs: firstWarmUpMs, measureMs: 0 });
    }
  });
}

/** Side by side: what slows the machine down for a while meets every scenario of a round. */
async function measureRounds(
  plan: Plan,
  generator: Generator,
): Promise<Map<ScenarioName, Measurement[]>> {
  const { warmUpMs } = plan;
  const rounds = new Map<ScenarioName, Measurement[]>(plan.scenarios.map((name) => [name, []]));
  for (let round = 1; round <= plan.rounds; round += 1) {
    await step(`Round ${round} of ${plan.rounds}`, async () => {
      for (const scenario of turnOf(plan, round)) {
        const measureMs = measuredMs(plan, scenario);
        const measurement = await generator.run({ scenario, warmUpMs, measureMs });
        rounds.get(scenario)?.push(measurement);
      }
    });
  }
  return rounds;
}
