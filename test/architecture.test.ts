import { describe, expect, test } from '@jest/globals';
import { fileProblems, methodProblems, readServices } from './architecture/proto.ts';
import { judge } from './architecture/rule.ts';
import { EXCEPTIONS, METHOD_EXCEPTIONS, RULES } from './architecture/rules.ts';
import { readSources } from './architecture/source.ts';

const sources = readSources(['src', 'test', 'scripts', 'envoy']);
const services = readServices();

describe('the source tree', () => {
  test.each(Object.entries(RULES))('keeps the rule: %s', (name, rule) => {
    const { violations, unused } = judge([name, rule], sources, EXCEPTIONS);

    expect(violations).toEqual([]);
    expect(unused).toEqual([]);
  });

  test('has no exception from a rule that does not exist', () => {
    expect(EXCEPTIONS.filter(({ rule }) => RULES[rule] === undefined)).toEqual([]);
  });

  test('has a reason for every exception', () => {
    expect(EXCEPTIONS.filter(({ reason }) => reason.split(' ').length < 4)).toEqual([]);
  });
});

describe('the protos', () => {
  test('describe the services that this repository serves', () => {
    expect(services.map(({ service }) => service.typeName).sort()).toEqual([
      'whispr.auth.v1.AuthService',
      'whispr.device.v1.DeviceService',
      'whispr.keys.v1.KeyDirectoryService',
      'whispr.ops.v1.OpsService',
    ]);
  });

  test('say of every method who may call it, at which path, and what it does', () => {
    expect(services.flatMap(methodProblems)).toEqual(
      METHOD_EXCEPTIONS.map(({ problem }) => problem),
    );
  });

  test('keep every service in one file of readable length', () => {
    expect(services.flatMap(fileProblems)).toEqual([]);
  });
});
