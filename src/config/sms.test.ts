import { describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig } from '../config.ts';

type Environment = Readonly<Record<string, string>>;

const key = (kid: string, fill: number) => `${kid}:${Buffer.alloc(32, fill).toString('base64')}`;

const least: Environment = {
  NODE_ENV: 'test',
  JWT_ISSUER: 'https://auth.example',
  JWT_AUDIENCE: 'whispr',
  KEY_ENCRYPTION_KEYS: key('a', 1),
  CODE_PEPPERS: key('a', 2),
};
const twilio: Environment = {
  TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
  TWILIO_AUTH_TOKEN: 'swordfish',
  TWILIO_FROM_NUMBER: '+15005550006',
};
const vonage: Environment = {
  VONAGE_API_KEY: 'abcd1234',
  VONAGE_API_SECRET: 'swordfish',
  VONAGE_SIGNATURE_SECRET: 'swordfish',
  VONAGE_FROM: 'Whispr',
};
const both: Environment = {
  ...twilio,
  ...vonage,
  PUBLIC_URL: 'https://auth.example',
  SMS_PROVIDERS: 'twilio,vonage',
};

function problemsOf(change: Environment): readonly string[] {
  try {
    loadConfig({ ...least, ...change });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

describe('the list of providers', () => {
  test.each([
    ['twilio,vonage', { twilio: 0, vonage: 0 }],
    ['vonage:1, twilio:3', { vonage: 1, twilio: 3 }],
    ['twilio:2,vonage', { twilio: 2, vonage: 0 }],
  ])('%s is read with its weights', (text, weights) => {
    const { smsProviders } = loadConfig({ ...least, ...both, SMS_PROVIDERS: text });

    expect(smsProviders).toEqual(
      Object.entries(weights).map(([name, weight]) => ({ name, weight })),
    );
  });

  test.each(['nexmo', 'twilio:', 'twilio:0', 'twilio:101', 'twilio:many', 'twilio,twilio:2'])(
    'is refused as %s',
    (text) => {
      expect(problemsOf({ ...both, SMS_PROVIDERS: text })).toHaveLength(1);
    },
  );
});

describe('a provider', () => {
  test('without its credentials refuses the start, and every missing one is told', () => {
    expect(problemsOf({ SMS_PROVIDERS: 'twilio,vonage' })).toEqual([
      'TWILIO_ACCOUNT_SID is required with SMS_PROVIDERS=twilio',
      'TWILIO_AUTH_TOKEN is required with SMS_PROVIDERS=twilio',
      'TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID is required with SMS_PROVIDERS=twilio',
      'PUBLIC_URL is required with SMS_PROVIDERS=twilio',
      'VONAGE_API_KEY is required with SMS_PROVIDERS=vonage',
      'VONAGE_API_SECRET is required with SMS_PROVIDERS=vonage',
      'VONAGE_SIGNATURE_SECRET is required with SMS_PROVIDERS=vonage',
      'VONAGE_FROM is required with SMS_PROVIDERS=vonage',
      'PUBLIC_URL is required with SMS_PROVIDERS=vonage',
    ]);
  });

  test('that is not in use needs none, and may have them', () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf({ ...twilio, ...vonage })).toEqual([]);
  });

  test.each([
    ['TWILIO_ACCOUNT_SID', 'SK0'],
    ['TWILIO_MESSAGING_SERVICE_SID', 'AC0'],
    ['TWILIO_FROM_NUMBER', 'a\r\nb'],
    ['VONAGE_FROM', 'a sender of too many letters'],
    ['VONAGE_SIGNATURE_METHOD', 'md5hash'],
    ['SMS_TIMEOUT_MS', '2001'],
  ])('refuses %s of the form %j', (name, value) => {
    expect(problemsOf({ ...both, [name]: value })).toHaveLength(1);
  });

  test('is reached by https only in production', () => {
    const plain = {
      ...both,
      TWILIO_API_URL: 'http://a.example',
      VONAGE_API_URL: 'http://b.example',
      PUBLIC_URL: 'http://c.example',
    };
    const names = problemsOf({ ...plain, NODE_ENV: 'production' }).map(
      (text) => text.split(' ')[0],
    );

    expect(names).toEqual(['TWILIO_API_URL', 'VONAGE_API_URL', 'PUBLIC_URL']);
    expect(problemsOf(plain)).toEqual([]);
    expect(problemsOf({ ...both, NODE_ENV: 'production' })).toEqual([]);
  });

  test('fits with all others into the deadline of a call', () => {
    const [problem] = problemsOf({ ...both, UNARY_DEADLINE_MS: '3499' });

    expect(problem).toContain('SMS_TIMEOUT_MS of 2 providers');
    expect(problemsOf({ ...both, UNARY_DEADLINE_MS: '3500' })).toEqual([]);
  });
});
