import { isIP } from 'node:net';
import { restAnswerHeaders } from './answer-header.ts';
import { corsPolicies } from './cors.ts';
import { localReplies } from './local-reply.ts';
import { DEFAULT_REQUEST_BYTES, readServices } from './method.ts';
import type { Address, EdgeOptions } from './options.ts';
import { routeTable } from './route.ts';
import { fillTemplate } from './template.ts';
import type { Tree } from './template.ts';
import { namesNotInQuery, transcoder } from './transcoder.ts';

const MIB = 1024 * 1024;

/** The whole configuration of one edge: envoy.yaml with connection.yaml inside. */
export function edgeConfiguration(options: EdgeOptions): { [name: string]: Tree } {
  const { listen, admin, replicas, metrics } = options;
  return fillTemplate('envoy.yaml', {
    adminHost: admin.host,
    adminPort: admin.port,
    maxHeapBytes: options.maxHeapMb * MIB,
    maxConnections: options.maxConnections,
    listenHost: listen.host,
    listenPort: listen.port,
    connection: connection(options),
    discovery: discoveryOf(replicas),
    replicas: replicas.map((replica) => ({ endpoint: { address: socket(replica) } })),
    healthInterval: `${options.healthIntervalMs / 1000}s`,
    metricsCluster: metrics && metricsCluster(metrics),
  });
}

function connection(options: EdgeOptions): Tree {
  const { corsOrigins, descriptor, metrics, isProduction } = options;
  const services = readServices();
  const cors = corsPolicies(corsOrigins);
  return fillTemplate('connection.yaml', {
    trustedHops: options.trustedHops,
    restAnswerHeaders: restAnswerHeaders({ isProduction, hasCors: cors.rest !== undefined }),
    requestsPerSecond: options.requestsPerSecond,
    maxRequestBytes: DEFAULT_REQUEST_BYTES,
    transcoder: transcoder(services, descriptor, namesNotInQuery(services)),
    restCors: cors.rest,
    routes: routeTable(services, { cors, descriptor, hasMetrics: metrics !== undefined }),
    localReplies: localReplies(),
  });
}

function metricsCluster(address: Address): Tree {
  return {
    name: 'metrics',
    type: discoveryOf([address]),
    connect_timeout: '1s',
    per_connection_buffer_limit_bytes: MIB,
    load_assignment: {
      cluster_name: 'metrics',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(address) } }] }],
    },
  };
}

/** Names are resolved again and again: behind one stand all replicas that live now. */
function discoveryOf(addresses: readonly Address[]): string {
  return addresses.every(({ host }) => isIP(host) !== 0) ? 'STATIC' : 'STRICT_DNS';
}

function socket({ host, port }: Address): Tree {
  return { socket_address: { address: host, port_value: port } };
}
