import { isIP } from 'node:net';
import type { BlockList } from 'node:net';
import { equalsInConstantTime } from '../platform/secret.ts';
import type { Secret } from '../platform/secret.ts';
import { meshCaller } from './mesh-caller.ts';
import type { Transport } from './transport.ts';

export interface EdgeSettings {
  readonly nodeEnv: 'development' | 'test' | 'production';
  readonly meshIdentity: 'none' | 'istio';
  /** Mesh identities of our edge; believed about client addresses, refused as services. */
  readonly edgePrincipals: readonly string[];
  /** TCP peers that are our edge where there is no mesh. */
  readonly trustedEdgeCidrs: BlockList;
  readonly serviceTestToken?: Secret<string> | undefined;
}

/** Peers are few (replicas of the edge); the bound only stops a scan from filling memory. */
const REMEMBERED_PEERS = 1_000;
const TEST_CALLER = 'test-caller';

/** Who sent a call: our edge, another service of the mesh, or somebody else. */
export class Edge {
  readonly #settings: EdgeSettings;
  readonly #edgePrincipals: ReadonlySet<string>;
  readonly #trust = new Map<string, boolean>();

  constructor(settings: EdgeSettings) {
    this.#settings = settings;
    this.#edgePrincipals = new Set(settings.edgePrincipals);
  }

  /** The header counts only when our edge sent the call: it overwrites the client's copy. */
  clientAddressOf(transport: Transport): string {
    if (!this.#isEdge(transport)) return transport.peerAddress;
    const named = transport.headerValue('x-auth-client-ip');
    return named !== undefined && isIP(named) !== 0 ? plainAddress(named) : transport.peerAddress;
  }

  /** The calling service's identity; undefined when nobody vouches for one, and for the edge. */
  callerOf(transport: Transport): string | undefined {
    const identity = this.#meshIdentity(transport);
    if (identity !== undefined) return this.#edgePrincipals.has(identity) ? undefined : identity;
    return this.#isTestCaller(transport) ? TEST_CALLER : undefined;
  }

  #isEdge(transport: Transport): boolean {
    if (this.#settings.meshIdentity === 'none') return this.#isTrustedPeer(transport.peerAddress);
    const identity = this.#meshIdentity(transport);
    return identity !== undefined && this.#edgePrincipals.has(identity);
  }

  /** The sidecar is the only loopback peer in a mesh; any other peer could write the header itself. */
  #meshIdentity(transport: Transport): string | undefined {
    if (this.#settings.meshIdentity !== 'istio' || !isLoopback(transport.peerAddress))
      return undefined;
    const header = transport.headerValue('x-forwarded-client-cert');
    return header === undefined ? undefined : meshCaller(header);
  }

  #isTestCaller(transport: Transport): boolean {
    const { nodeEnv, serviceTestToken } = this.#settings;
    if (nodeEnv !== 'development' && nodeEnv !== 'test') return false;
    const presented = transport.headerValue('x-test-caller');
    if (presented === undefined || serviceTestToken === undefined) return false;
    return equalsInConstantTime(presented, serviceTestToken.reveal());
  }

  #isTrustedPeer(address: string): boolean {
    const known = this.#trust.get(address);
    if (known !== undefined) return known;
    const family = isIP(address);
    const isTrusted =
      family !== 0 &&
      this.#settings.trustedEdgeCidrs.check(address, family === 4 ? 'ipv4' : 'ipv6');
    if (this.#trust.size >= REMEMBERED_PEERS) this.#trust.clear();
    this.#trust.set(address, isTrusted);
    return isTrusted;
  }
}

/** One spelling for an address: IPv4-mapped IPv6 becomes IPv4, a zone is dropped. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  const bare = address.split('%', 1)[0] ?? address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
