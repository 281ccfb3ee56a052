import { AuthService } from '../../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../../gen/whispr/device/v1/device_service_pb.ts';
import type { ScenarioName } from '../plan.ts';
import type { Connection } from './connection.ts';
import { grpcFrame, grpcMessage, headerBlock } from './http2-frames.ts';
import type { Inbox } from './inbox.ts';
import type { Scenario } from './loop.ts';
import type { Person, Seeds } from './messages.ts';
import { signInGuarded } from './second-factor.ts';
import type { AuthClient } from './second-factor.ts';
import { ask, encode, unary, unaryFrom } from './unary.ts';

/** Lanes of a scenario whose calls are short; four connections share them. */
const LANES = 64;
/** A sign-in holds a connection to PostgreSQL for a transaction; more lanes only wait longer. */
const SIGN_IN_LANES = 32;
/** Few enough to leave the machine room for the flood beside them. */
const CALM_LANES = 8;
const FLOOD_LANES = 16;
/** Every `empty` request and everything that is compared with it: a message without fields. */
const EMPTY = grpcFrame(new Uint8Array());

export interface LoadDeps {
  readonly seeds: Seeds;
  readonly inbox: Inbox;
  readonly serviceTestToken: string;
  /** Reads the details of refusals. */
  readonly authClient: AuthClient;
  /** Connections to the server of the scenario; a lane always uses the same one. */
  readonly connectionOf: (scenario: ScenarioName, lane: number) => Connection;
}

/** What each name means. Chains of tokens live on from round to round. */
export function createScenarios(deps: LoadDeps): Readonly<Record<ScenarioName, Scenario>> {
  const { knownTokens, newTokens } = deps.seeds;
  return {
    'http2-echo': repeated(deps, 'http2-echo', '/echo'),
    'http2-trailers': repeated(deps, 'http2-trailers', '/echo-with-trailers'),
    'grpc-echo': repeated(deps, 'grpc-echo', '/echo'),
    empty: repeated(deps, 'empty', '/whispr.ops.v1.OpsService/GetLiveness'),
    'validate-hot': validations(deps, 'validate-hot', knownTokens.slice(0, 1)),
    'validate-many': validations(deps, 'validate-many', knownTokens),
    'validate-new': validations(deps, 'validate-new', newTokens),
    'validate-calm': calmValidations(deps, 'validate-calm'),
    'validate-flood': floodedValidations(deps),
    refresh: refreshes(deps),
    'list-devices': deviceLists(deps),
    'sign-in': signIns(deps),
    'sign-in-2fa': guardedSignIns(deps),
  };
}

function repeated(deps: LoadDeps, name: ScenarioName, path: string): Scenario {
  const block = headerBlock(path, 'bench', {});
  return {
    lanes: LANES,
    begin: (lane, done) => {
      deps.connectionOf(name, lane).call(block, EMPTY, (data) => {
        done(data !== undefined);
      });
    },
  };
}

function validations(deps: LoadDeps, name: ScenarioName, tokens: readonly string[]): Scenario {
  const method = unary(AuthService.method.validateToken, {
    'x-test-caller': deps.serviceTestToken,
  });
  const bodies = circle(tokens.map((token) => encode(method, { token })));
  return {
    lanes: LANES,
    begin: (lane, done) => {
      deps.connectionOf(name, lane).call(method.block, bodies(), (data) => {
        done(data !== undefined && isActive(data));
      });
    },
  };
}

function calmValidations(deps: LoadDeps, name: ScenarioName): Scenario {
  return { ...validations(deps, name, deps.seeds.knownTokens), lanes: CALM_LANES };
}

/**
 * The calm lanes are measured; beside them others redeem wrong backup codes of ever other accounts as
 * fast as they are refused. An account is asked again before its lock ends only when all were.
 */
function floodedValidations(deps: LoadDeps): Scenario {
  const calm = calmValidations(deps, 'validate-flood');
  const method = AuthService.method.useBackupCode;
  const body = encode(unary(method), { token: '0000-0000-0000-0000' });
  const next = circle(
    deps.seeds.flooded.map(
      ({ accessToken }) => unary(method, { authorization: `Bearer ${accessToken}` }).block,
    ),
  );
  const redeem = (lane: number, isOver: () => boolean): void => {
    deps.connectionOf('validate-flood', lane).call(next(), body, () => {
      if (!isOver()) redeem(lane, isOver);
    });
  };
  let open = 0;
  return {
    ...calm,
    begin: (lane, done) => {
      if (open === 0) {
        for (let flood = 0; flood < FLOOD_LANES; flood += 1) redeem(flood, () => open === 0);
      }
      open += 1;
      calm.begin(lane, (isGood) => {
        done(isGood);
        open -= 1;
      });
    },
  };
}

function deviceLists(deps: LoadDeps): Scenario {
  const { listDevices } = DeviceService.method;
  const body = encode(unary(listDevices), {});
  const next = circle(
    deps.seeds.guarded.map(
      ({ accessToken }) => unary(listDevices, { authorization: `Bearer ${accessToken}` }).block,
    ),
  );
  return {
    lanes: LANES,
    begin: (lane, done) => {
      deps.connectionOf('list-devices', lane).call(next(), body, (data) => {
        done(data !== undefined);
      });
    },
  };
}

function guardedSignIns(deps: LoadDeps): Scenario {
  const next = circle(deps.seeds.guarded);
  return {
    lanes: SIGN_IN_LANES,
    begin: (_lane, done) => {
      signInGuarded({ client: deps.authClient, inbox: deps.inbox }, next()).then(done, () => {
        done(false);
      });
    },
  };
}

/** Field 1, `active`, is the first one on the wire: tag 8, value 1. */
function isActive(data: Buffer): boolean {
  const message = grpcMessage(data);
  return message[0] === 8 && message[1] === 1;
}

/** A session waits in the queue, is refreshed once, and returns with its next token. */
function refreshes(deps: LoadDeps): Scenario {
  const method = unary(AuthService.method.refreshTokens);
  const waiting = [...deps.seeds.refreshTokens];
  const next = circleOf(waiting.length);
  return {
    lanes: LANES,
    begin: (lane, done) => {
      const session = next();
      const body = encode(method, { refreshToken: waiting[session] ?? '' });
      void ask(deps.connectionOf('refresh', lane), method, body).then((answer) => {
        if (answer !== undefined) waiting[session] = answer.refreshToken;
        done(answer !== undefined);
      });
    },
  };
}

function signIns(deps: LoadDeps): Scenario {
  const next = circle(deps.seeds.people);
  return {
    lanes: SIGN_IN_LANES,
    begin: (lane, done) => {
      void signIn(deps, deps.connectionOf('sign-in', lane), next()).then(done);
    },
  };
}

const signInMethods = {
  request: unary(AuthService.method.requestLoginVerification),
  confirm: unary(AuthService.method.confirmLoginVerification),
  login: unary(AuthService.method.login),
};

async function signIn(deps: LoadDeps, connection: Connection, person: Person): Promise<boolean> {
  const { phone, deviceId, address } = person;
  const { request, confirm, login } = signInMethods;
  const asked = unaryFrom(request, address);
  const sent = await ask(connection, asked, encode(asked, { phoneNumber: phone }));
  if (sent === undefined) return false;
  const { verificationId } = sent;
  const checked = unaryFrom(confirm, address);
  const proof = { verificationId, code: deps.inbox.take(phone) };
  const confirmed = await ask(connection, checked, encode(checked, proof));
  if (confirmed === undefined) return false;
  const entering = unaryFrom(login, address);
  const device = { verificationId, deviceId, deviceName: 'bench', deviceType: 'web' };
  const tokens = await ask(connection, entering, encode(entering, device));
  return tokens !== undefined;
}

function circle<T>(items: readonly T[]): () => T {
  const next = circleOf(items.length);
  return () => {
    const item = items[next()];
    if (item === undefined) throw new Error('There is nothing to go through');
    return item;
  };
}

function circleOf(length: number): () => number {
  let at = -1;
  return () => {
    at = (at + 1) % length;
    return at;
  };
}
