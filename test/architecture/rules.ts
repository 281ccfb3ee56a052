import {
  doorsAreKept,
  importsGoLeft,
  messagesStayAtTheEdge,
  storesStandOnPlatform,
} from './layers.ts';
import {
  onlyConfigReadsTheEnvironment,
  onlyMainTouchesTheProcess,
  onlyTheCompositionConstructs,
  resourcesAreMadeInFactories,
  secretsAreRevealedAtTheEnd,
} from './process.ts';
import type { Exception, Rule } from './rule.ts';
import {
  featuresAreSmall,
  filesAreShort,
  functionsAreShort,
  namesSayWhatIsInside,
  nothingIsABarrel,
  nothingIsCircular,
  testNamesAreSentences,
  testsAreReal,
} from './shape.ts';
import {
  locksNeedATransaction,
  scriptsHaveHeaders,
  sqlStandsInStatements,
  statementsHaveNames,
  statementsWriteOwnTables,
  tablesHaveOwners,
} from './store.ts';
import { transactionsStayInside } from './transaction.ts';

export const RULES: Readonly<Record<string, Rule>> = {
  'imports go left': importsGoLeft,
  'doors are kept': doorsAreKept,
  'stores stand on platform': storesStandOnPlatform,
  'messages stay at the edge': messagesStayAtTheEdge,
  'nothing is circular': nothingIsCircular,
  'nothing is a barrel': nothingIsABarrel,
  'names say what is inside': namesSayWhatIsInside,
  'only the configuration reads the environment': onlyConfigReadsTheEnvironment,
  'only main.ts touches the process': onlyMainTouchesTheProcess,
  'resources are made in factories': resourcesAreMadeInFactories,
  'only the composition constructs': onlyTheCompositionConstructs,
  'secrets are revealed at the end': secretsAreRevealedAtTheEnd,
  'transactions stay inside': transactionsStayInside,
  'statements have names': statementsHaveNames,
  'statements write their own tables': statementsWriteOwnTables,
  'tables have owners': tablesHaveOwners,
  'locks need a transaction': locksNeedATransaction,
  'SQL stands in statements': sqlStandsInStatements,
  'scripts have headers': scriptsHaveHeaders,
  'files are short': filesAreShort,
  'functions are short': functionsAreShort,
  'features are small': featuresAreSmall,
  'test names are sentences': testNamesAreSentences,
  'tests are real': testsAreReal,
};

/** What may stay, and why. An exception that excuses nothing any more fails the test. */
export const EXCEPTIONS: readonly Exception[] = [
  ...['access', 'call', 'stream-life'].map((file) => ({
    rule: 'imports go left',
    path: `src/rpc/${file}.ts`,
    about: 'rpc imports token',
    reason: 'the type Principal: who calls is known to every call, and only the token says it',
  })),
  {
    rule: 'imports go left',
    path: 'src/rpc/origin.ts',
    about: 'rpc imports token',
    reason: 'the type Bearer: who calls and from where, as every handler for users passes it on',
  },
  {
    rule: 'features are small',
    path: 'src/session',
    reason: 'refresh families, revocation and seniority are statements about one table',
  },
  {
    rule: 'imports go left',
    path: 'src/rpc/origin.ts',
    about: 'rpc imports audit',
    reason: 'the type Origin: where a call came from is read here and written by the audit log',
  },
  {
    rule: 'only main.ts touches the process',
    path: 'src/db/migrate.ts',
    reason:
      'a command line of its own, guarded by import.meta.main: a Job runs it without the service',
  },
  {
    rule: 'only the composition constructs',
    path: 'src/entry/enter.ts',
    about: 'openSession',
    reason: 'a verb of the domain that inserts a row; it opens no resource of the process',
  },
];

/** Methods whose promise differs, by `Service.Method problem`. */
export const METHOD_EXCEPTIONS: readonly { readonly problem: string; readonly reason: string }[] = [
  {
    problem:
      'KeyDirectoryService.GetDeviceKeyBundle is a GET that does not declare NO_SIDE_EFFECTS',
    reason: 'the deployed app fetches bundles so, and each answer uses up a one-time key',
  },
];
