import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

// The rules of the house (CONTRIBUTING.md, "How we write") that a machine can check.
const house = {
  'max-lines': ['error', { max: 250 }],
  'max-lines-per-function': ['error', { max: 40 }],
  'max-params': ['error', 3],
  'no-console': 'error',
  'func-style': ['error', 'declaration', { allowArrowFunctions: true }],
  eqeqeq: 'error',
  'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
};

const noCast = {
  selector: 'TSAsExpression:not([typeAnnotation.typeName.name="const"])',
  message:
    'A cast hides a mistake: narrow the value, or parse it. Brand constructors are listed in eslint.config.js.',
};

// Each of these makes a branded or generic value in one place, so that nobody else has to cast.
const mayCast = [
  'src/config.ts',
  'src/phone/number.ts',
  'src/platform/postgres.ts',
  'src/rpc/*.ts',
];

export default defineConfig(
  { ignores: ['node_modules/', 'dist/', 'coverage/', '.local/', 'gen/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      ...house,
      'no-restricted-syntax': ['error', noCast],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // `_` names what a signature or a destructuring forces on us.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      // Where a case must not be missing, the default ends in `satisfies never`.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Numbers and booleans print as one expects; objects do not, and stay forbidden.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A named type parameter used once documents a row or message type at the call.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  { files: mayCast, rules: { 'no-restricted-syntax': 'off' } },
  { files: ['**/*.{js,mjs}'], rules: house },
  // A migration is one list of statements.
  { files: ['src/db/migrations/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  // What a person runs speaks on the terminal.
  { files: ['scripts/**', 'test/bench/**'], rules: { 'no-console': 'off' } },
  // describe() wraps a whole file; what counts is the length of one test.
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-floating-promises': 'error' },
  },
  // A row of the table of settings has four columns.
  { files: ['src/config/setting.ts'], rules: { 'max-params': ['error', 4] } },
  // Tools read their configurations as default exports.
  { files: ['*.config.{js,mjs}', 'test/support/*.js'], rules: { 'no-restricted-exports': 'off' } },
);
