import type { Case } from './case.ts';

const lines = (count: number) => 'call();\n'.repeat(count);

const functionOf = (count: number) => `function long() {\n${lines(count - 2)}}\n`;

const featureOf = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`src/phone/file-${index}.ts`, 'call();']),
  );

export const SHAPE_CASES: readonly Case[] = [
  {
    rule: 'nothing is circular',
    does: 'imports itself through another one',
    files: {
      'src/phone/a.ts': "import { b } from './b.ts';",
      'src/phone/b.ts': "import { c } from './c.ts';",
      'src/phone/c.ts': "import type { A } from './a.ts';",
    },
    found: [
      'src/phone/a.ts:1 imports itself: src/phone/a.ts → src/phone/b.ts → src/phone/c.ts → src/phone/a.ts',
    ],
  },
  {
    rule: 'nothing is circular',
    does: 'is imported twice',
    files: {
      'src/phone/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';",
      'src/phone/b.ts': "import { c } from './c.ts';",
      'src/phone/c.ts': 'export const c = 1;',
    },
    found: [],
  },
  {
    rule: 'nothing is a barrel',
    does: 'only passes things on, or is an index',
    files: {
      'src/phone/all.ts': "export { a } from './a.ts';\nexport * from './b.ts';",
      'src/phone/index.ts': 'export const a = 1;',
    },
    found: [
      'src/phone/all.ts:1 only passes on what other files export',
      'src/phone/index.ts:1 is an index file',
    ],
  },
  {
    rule: 'names say what is inside',
    does: 'has a name that fits everything, or is not kebab-case',
    files: { 'src/phone/utils.ts': '', 'src/shared/a.ts': '', 'src/phone/takeSend.ts': '' },
    found: [
      "src/phone/utils.ts:1 'utils' says nothing about what is inside",
      "src/shared/a.ts:1 'shared' says nothing about what is inside",
      "src/phone/takeSend.ts:1 'takeSend' is not kebab-case",
    ],
  },
  {
    rule: 'names say what is inside',
    does: 'has the name of what it holds',
    files: {
      'src/phone/take-send.test.ts': '',
      'src/db/migrations/20261123T1900-create-accounts.ts': '',
      'scripts/start.mjs': '',
    },
    found: [],
  },
  {
    rule: 'files are short',
    does: 'has 251 lines',
    files: { 'src/phone/a.ts': lines(251), 'test/race/a.test.ts': lines(251) },
    found: ['src/phone/a.ts:1 has 251 lines', 'test/race/a.test.ts:1 has 251 lines'],
  },
  {
    rule: 'files are short',
    does: 'has 250 lines',
    files: { 'src/phone/a.ts': lines(250) },
    found: [],
  },
  {
    rule: 'functions are short',
    does: 'has a function of 41 lines',
    files: { 'src/phone/a.ts': functionOf(41) },
    found: ['src/phone/a.ts:1 long has 41 lines'],
  },
  {
    rule: 'functions are short',
    does: 'has a function of 40 lines, or is a test',
    files: { 'src/phone/a.ts': functionOf(40), 'src/phone/a.test.ts': functionOf(41) },
    found: [],
  },
  {
    rule: 'features are small',
    does: 'is the thirteenth of its feature',
    files: featureOf(13),
    found: ['src/phone:0 has 13 files'],
  },
  {
    rule: 'features are small',
    does: 'is the twelfth of its feature, or a unit test beside it',
    files: { ...featureOf(12), 'src/phone/a.test.ts': '' },
    found: [],
  },
  {
    rule: 'test names are sentences',
    does: 'has a test named by one word, or by what it should do',
    files: {
      'test/race/a.test.ts':
        "test('refresh', f);\ntest('should refuse a token used twice', f);\ntest.each([1])('it %s', f);",
    },
    found: [
      "test/race/a.test.ts:1 'refresh' is too short to say what holds",
      "test/race/a.test.ts:2 'should refuse a token used twice' is no sentence",
      "test/race/a.test.ts:3 'it %s' is too short to say what holds",
    ],
  },
  {
    rule: 'test names are sentences',
    does: 'says what holds',
    files: { 'test/race/a.test.ts': "test('refuses a refresh token used twice', f);" },
    found: [],
  },
  {
    rule: 'tests are real',
    does: 'mocks a module, spies, or runs alone',
    files: {
      'src/phone/a.test.ts': "jest.mock('./b.ts');\njest.spyOn(a, 'b');\ntest.only('a b c', f);",
    },
    found: [
      'src/phone/a.test.ts:1 uses jest.mock',
      'src/phone/a.test.ts:2 uses jest.spyOn',
      'src/phone/a.test.ts:3 uses test.only',
    ],
  },
  {
    rule: 'tests are real',
    does: 'runs with all others',
    files: { 'src/phone/a.test.ts': "jest.setTimeout(1);\ntest.each([1])('a b %s', f);" },
    found: [],
  },
];
