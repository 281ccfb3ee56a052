import type { Ports } from './ports.ts';

/** What a person can try next, ready to paste. */
export function hints(ports: Ports): string {
  const rest = `http://localhost:${ports.rest}`;
  const inbox = `http://localhost:${ports.inbox}`;
  return `
The stack is ready.

  Swagger UI   ${rest}/auth/swagger
  Readiness    ${rest}/auth/v1/health/ready
  SMS inbox    ${inbox}
  gRPC         localhost:${ports.grpc} (plaintext, with health and reflection)
  Metrics      ${rest}/metrics
  Logs         .local/log (just logs)

Register with a phone number, step by step:

  curl -s ${rest}/auth/v1/verify/register/request -H 'content-type: application/json' \\
    -d '{"phoneNumber":"+33612345678"}'
  curl -s '${inbox}/messages?to=+33612345678'          # the code
  curl -s ${rest}/auth/v1/verify/register/confirm -H 'content-type: application/json' \\
    -d '{"verificationId":"<verificationId>","code":"<code>"}'
  curl -s ${rest}/auth/v1/register -H 'content-type: application/json' \\
    -d '{"verificationId":"<verificationId>","deviceId":"7f0c6a52-3b1e-4c58-9d0a-2f6d1f0e8a11","deviceName":"Test phone","deviceType":"ios"}'
  curl -s ${rest}/auth/v1/device -H 'authorization: Bearer <accessToken>'

The same over gRPC (just call METHOD JSON does this):

  npx buf curl --protocol grpc --http2-prior-knowledge \\
    -d '{"phoneNumber":"+33612345679"}' \\
    http://localhost:${ports.grpc}/whispr.auth.v1.AuthService/RequestRegisterVerification
`;
}
