import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { DomainError } from '../errors.ts';

export type SwaggerSlice = Pick<ServiceImpl<typeof OpsService>, 'getSwagger'>;

interface Asset {
  readonly contentType: string;
  readonly cacheControl: string;
  readonly read: () => Promise<Buffer>;
}

interface LoadedAsset extends Asset {
  readonly body: Buffer;
  readonly etag: string;
}

/** A unary answer over 1 MiB is a 500 at the edge, and the bundle has 1.7 MB. */
const CHUNK_BYTES = 64 * 1024;
const TEXT = '; charset=utf-8';

/** No inline script: the page runs only what this service serves. Swagger UI writes inline styles. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Whispr auth-service</title>
    <link rel="stylesheet" href="/auth/swagger/swagger-ui.css">
    <link rel="icon" type="image/png" href="/auth/swagger/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/auth/swagger/swagger-ui-bundle.js"></script>
    <script src="/auth/swagger/init.js"></script>
  </body>
</html>
`;

const INIT = `window.addEventListener('load', () => {
  SwaggerUIBundle({
    url: '/auth/swagger/openapi.json',
    dom_id: '#swagger-ui',
    deepLinking: true,
    validatorUrl: null,
  });
});
`;

/** Names do not change with a release; Swagger UI's own files seldom change with one. */
const MINUTES = 'public, max-age=300';
const DAY = 'public, max-age=86400';

const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ['', own(`text/html${TEXT}`, () => Promise.resolve(Buffer.from(PAGE)))],
  ['init.js', own(`text/javascript${TEXT}`, () => Promise.resolve(Buffer.from(INIT)))],
  ['openapi.json', own('application/json', () => readFile(openApiPath()))],
  ['swagger-ui.css', packaged('swagger-ui.css', `text/css${TEXT}`)],
  ['swagger-ui-bundle.js', packaged('swagger-ui-bundle.js', `text/javascript${TEXT}`)],
  ['favicon-32x32.png', packaged('favicon-32x32.png', 'image/png')],
]);

/** Swagger UI over the generated OpenAPI, from files of this installation only. */
export function createSwaggerSlice(deps: { readonly isSwaggerOn: boolean }): SwaggerSlice {
  const loaded = new Map<string, LoadedAsset>();
  return {
    getSwagger: async function* ({ asset: name }, context) {
      const asset = deps.isSwaggerOn ? ASSETS.get(name) : undefined;
      if (asset === undefined) throw new DomainError('ASSET_NOT_FOUND', 'There is no such file.');
      const file = loaded.get(name) ?? (await load(asset));
      loaded.set(name, file);
      describe(file, context);
      for (let start = 0; start < file.body.length; start += CHUNK_BYTES) {
        const data = file.body.subarray(start, start + CHUNK_BYTES);
        yield { contentType: file.contentType, data };
      }
    },
  };
}

function describe(file: LoadedAsset, context: HandlerContext): void {
  const header = context.responseHeader;
  header.set('cache-control', file.cacheControl);
  header.set('etag', file.etag);
  header.set('content-security-policy', CONTENT_SECURITY_POLICY);
  header.set('x-content-type-options', 'nosniff');
}

async function load(asset: Asset): Promise<LoadedAsset> {
  const body = await asset.read();
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { ...asset, body, etag };
}

function own(contentType: string, read: () => Promise<Buffer>): Asset {
  return { contentType, cacheControl: MINUTES, read };
}

function packaged(file: string, contentType: string): Asset {
  const folder = () =>
    dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  return { contentType, cacheControl: DAY, read: () => readFile(join(folder(), file)) };
}

function openApiPath(): string {
  return fileURLToPath(new URL('../../gen/openapi/whispr.openapi.json', import.meta.url));
}
