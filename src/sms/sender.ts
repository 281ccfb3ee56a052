import { DomainError } from '../errors.ts';

export interface SmsMessage {
  /** E.164. */
  readonly to: string;
  readonly body: string;
  /** Random id of this send, unrelated to the verification. */
  readonly sendId: string;
}

/** Something that delivers text messages. */
export interface SmsSender {
  /**
   * Resolves once a provider has taken the message.
   * @throws SMS_UNAVAILABLE, NUMBER_REFUSED
   */
  send(message: SmsMessage): Promise<void>;
}

/** No provider took the message for certain. */
export class SmsUnavailable extends DomainError {
  /** A provider did not answer: the message may still arrive, so it has to be counted. */
  readonly mayArrive: boolean;

  constructor(mayArrive: boolean) {
    const message = 'The code could not be sent. Please try again in a moment.';
    super('SMS_UNAVAILABLE', message, { retryDelayMs: 5_000 });
    this.mayArrive = mayArrive;
  }
}

/** Whether a send that ended in `error` certainly reached nobody. */
export function reachedNobody(error: unknown): boolean {
  return !(error instanceof SmsUnavailable && error.mayArrive);
}

/** The provider knows that nobody can be reached there; says nothing about accounts. */
export function numberRefused(): DomainError {
  const description = 'This number cannot receive codes. Please use another one.';
  const violations = [{ field: 'phoneNumber', description }];
  return new DomainError('NUMBER_REFUSED', description, { violations });
}
