import { types } from 'node:util';
import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest gives each file globals of its own, so an error that Node's core makes (ECONNREFUSED …) is no
 * `instanceof Error` there, although it is one in the service. This makes it one again.
 */
export default class extends TestEnvironment {
  constructor(...given) {
    super(...given);
    const { Error: ownError } = this.global;
    Object.defineProperty(ownError, Symbol.hasInstance, {
      value(value) {
        if (this === ownError) return types.isNativeError(value);
        return Function.prototype[Symbol.hasInstance].call(this, value);
      },
    });
  }
}
