import { accountEntities } from './entities-account.ts';
import { historyEntities } from './entities-history.ts';
import { keyEntities } from './entities-key.ts';

/** Every table as TypeORM sees it, for the drift check and `migration:generate`; rows are read by SQL. */
export const entities = [...accountEntities, ...keyEntities, ...historyEntities];
