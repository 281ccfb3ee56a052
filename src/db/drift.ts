import type { DataSource } from 'typeorm';
import type { Steps } from './migration-files.ts';

/**
 * What TypeORM would change to make the database match the entities. The coarse check: it sees no
 * predicates, CHECK texts, storage or triggers; the golden schema does.
 */
export async function driftOf(dataSource: DataSource): Promise<Steps> {
  const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log();
  return {
    up: upQueries.map(({ query }) => query),
    down: downQueries.map(({ query }) => query).reverse(),
  };
}
