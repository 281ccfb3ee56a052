import {
  CircuitState,
  CountBreaker,
  circuitBreaker,
  handleWhenResult,
  isBrokenCircuitError,
} from 'cockatiel';
import type { CircuitBreakerPolicy } from 'cockatiel';
import type { Random } from '../platform/random.ts';
import type { AttemptLog, BreakerState } from './attempt-log.ts';
import { field } from './provider.ts';
import type { Provider, SendOutcome } from './provider.ts';
import { Rotation } from './rotation.ts';
import { SmsUnavailable, numberRefused } from './sender.ts';
import type { SmsMessage, SmsSender } from './sender.ts';

export interface BreakerSettings {
  readonly window: number;
  readonly minimum: number;
  readonly percent: number;
  readonly openMs: number;
}

interface FailoverDeps {
  readonly random: Random;
  readonly log: AttemptLog;
  readonly breaker: BreakerSettings;
}

/** A provider, and the breaker that leaves it alone while it is not well. */
interface Line {
  readonly provider: Provider;
  readonly breaker: CircuitBreakerPolicy | undefined;
}

/**
 * Asks one provider after the other until one has the message. Each attempt has an id of its own, is
 * posted once and is over when its provider's time is: what the first may still deliver is another
 * attempt than what the second delivers.
 */
export class FailoverSender implements SmsSender {
  readonly #deps: FailoverDeps;
  readonly #lines: Rotation<Line>;

  constructor(
    deps: FailoverDeps,
    providers: readonly { readonly provider: Provider; readonly weight: number }[],
  ) {
    this.#deps = deps;
    // A lone provider is always asked: leaving it alone would spare it, and help nobody.
    const hasOthers = providers.length > 1;
    this.#lines = new Rotation(
      providers.map(({ provider, weight }) => {
        const breaker = hasOthers ? watched(deps, provider) : undefined;
        return { item: { provider, breaker }, weight };
      }),
    );
  }

  async send(message: SmsMessage): Promise<void> {
    let mayArrive = false;
    for (const line of this.#lines.next()) {
      const outcome = await this.#ask(line, message);
      if (outcome?.status === 'accepted') return;
      if (outcome?.status === 'refused') throw numberRefused();
      mayArrive ||= outcome?.status === 'unknown';
    }
    throw new SmsUnavailable(mayArrive);
  }

  /** Undefined when the breaker is open, or half-open: one attempt probes, all others go on at once. */
  async #ask({ provider, breaker }: Line, message: SmsMessage): Promise<SendOutcome | undefined> {
    if (breaker === undefined) return this.#attempt(provider, message);
    if (breaker.state === CircuitState.HalfOpen) return undefined;
    try {
      return await breaker.execute(() => this.#attempt(provider, message));
    } catch (error) {
      if (isBrokenCircuitError(error)) return undefined;
      throw error;
    }
  }

  async #attempt(provider: Provider, { to, body, sendId }: SmsMessage): Promise<SendOutcome> {
    const id = this.#deps.random.uuid();
    const isKept = provider.readReceipt !== undefined;
    const end = this.#deps.log.start({ id, sendId, provider: provider.name, isKept });
    const outcome = await provider.send({ id, to, body });
    end(outcome);
    return outcome;
  }
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
};

/** Numbers that nobody can reach, and messages that are not wanted, say nothing against a provider. */
function watched({ log, breaker }: FailoverDeps, { name }: Provider): CircuitBreakerPolicy {
  const isUnwell = (outcome: unknown) =>
    /^(failed|unknown)$/.test(String(field(outcome, 'status')));
  const policy = circuitBreaker(handleWhenResult(isUnwell), {
    halfOpenAfter: breaker.openMs,
    breaker: new CountBreaker({
      threshold: breaker.percent / 100,
      size: breaker.window,
      minimumNumberOfCalls: breaker.minimum,
    }),
  });
  policy.onStateChange((state) => log.breaker(name, STATES[state]));
  return policy;
}
