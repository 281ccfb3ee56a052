import type { Logger } from 'typeorm';

/** Where the database code reports to; a pino logger fits. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

/** TypeORM's logger on ours: the text of statements if wanted, never their parameters. */
export function queryLog(log: Log, showsQueries: boolean): Logger {
  return {
    logQuery: (query) => {
      if (showsQueries) log.info(oneLine(query));
    },
    logQueryError: (_error, query) => {
      if (showsQueries) log.warn(`Failed: ${oneLine(query)}`);
    },
    logQuerySlow: (milliseconds, query) =>
      log.warn(`Slow statement (${milliseconds} ms): ${oneLine(query)}`),
    logSchemaBuild: () => undefined,
    logMigration: (message) => log.info(message),
    log: (level, message: unknown) => {
      if (level === 'warn') log.warn(String(message));
    },
  };
}

function oneLine(query: string): string {
  return query.replace(/\s+/g, ' ').trim();
}
