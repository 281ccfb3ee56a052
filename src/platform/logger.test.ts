import { describe, expect, test } from '@jest/globals';
import { childLogger, createLogger } from './logger.ts';

/** The lines that `write` logs, parsed and as text. */
function logged(write: (logger: ReturnType<typeof createLogger>) => void, level = 'info') {
  const lines: string[] = [];
  write(createLogger(level, { write: (line) => lines.push(line) }));
  const parsed = lines.map(fieldsOf);
  return { parsed, text: lines.join('') };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(line);
  return Object.fromEntries(Object.entries(parsed ?? {}));
}

class DriverError extends Error {
  readonly code = '23505';
  readonly detail = 'Key (phone_number)=(+33612345678) already exists.';
  readonly parameters = ['+33612345678', 'swordfish'];
}

describe('a log line', () => {
  test('has a level in words, a time and its message', () => {
    const { parsed } = logged((logger) => logger.warn({ event: 'a.b' }, 'something happened'));

    expect(parsed).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        event: 'a.b',
        msg: 'something happened',
      },
    ]);
  });

  test.each(['code6', 'token', 'refreshToken', 'password', 'phoneNumber', 'authorization', 'key'])(
    'drops the field %s, which is not on the list',
    (field) => {
      const { text } = logged((logger) => logger.info({ [field]: 'swordfish' }, 'a'));

      expect(text).not.toContain('swordfish');
      expect(text).not.toContain(field);
    },
  );

  test('drops such fields from child loggers too', () => {
    const { parsed, text } = logged((logger) =>
      childLogger(logger, { requestId: 'r1', token: 'swordfish' }).info(
        { token: 'swordfish' },
        'a',
      ),
    );

    expect(parsed[0]).toMatchObject({ requestId: 'r1' });
    expect(text).not.toContain('swordfish');
  });

  test('has name, message, stack and cause of an error, and nothing that its class adds', () => {
    const { parsed, text } = logged((logger) => {
      const cause = new DriverError('duplicate key');
      logger.error({ err: new Error('it failed', { cause }) }, 'a');
    });

    expect(parsed[0]?.['err']).toMatchObject({
      type: 'Error',
      message: expect.stringContaining('it failed'),
      stack: expect.stringContaining('logger.test.ts'),
      cause: { type: 'DriverError', message: expect.stringContaining('duplicate key') },
    });
    expect(text).not.toMatch(/612345678|swordfish|23505/);
  });

  test('of an error that is logged alone drops what its class adds', () => {
    const { text } = logged((logger) => logger.error(new DriverError('duplicate key')));

    expect(text).toContain('duplicate key');
    expect(text).not.toMatch(/612345678|swordfish|23505/);
  });

  test('of something thrown that is no error tells its type only', () => {
    const { parsed, text } = logged((logger) => logger.error({ err: 'swordfish' }, 'a'));

    expect(parsed[0]?.['err']).toEqual({ message: 'string' });
    expect(text).not.toContain('swordfish');
  });

  test('is not written below the level', () => {
    expect(logged((logger) => logger.info({}, 'a'), 'warn').text).toBe('');
    expect(logged((logger) => logger.error({}, 'a'), 'silent').text).toBe('');
  });
});
