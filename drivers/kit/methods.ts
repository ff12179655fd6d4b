/** The types of what a driver's two ends offer, as they follow from the schema. */
import type { Observable } from 'rxjs';
import type { CallOptions } from './call.js';
import type { DriverFailure } from './driver-error.js';
import type {
  IsEmpty,
  MessageNames,
  MessagesOf,
  MessageValuesOf,
  ParametersOf,
  StatusOf,
  TransactionsOf,
} from './schema.js';

type MaybePromise<T> = T | Promise<T>;

/** What a transaction answers: its status, or nothing if it has none. */
// As the return type of a function, which is what it is for.
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- see above
export type AnswerOf<T> = T extends { readonly status: unknown } ? StatusOf<T> : void;

/** Submits a transaction; rejects with `IdcError`, which is a `DriverError` if it has a name. */
export type TransactionMethod<T> =
  IsEmpty<ParametersOf<T>> extends true
    ? (parameters?: ParametersOf<T>, options?: CallOptions) => Promise<AnswerOf<T>>
    : (parameters: ParametersOf<T>, options?: CallOptions) => Promise<AnswerOf<T>>;

/** Submits a message; resolves once it is submitted. What has to be certain is a transaction. */
export type MessageMethod<M> =
  IsEmpty<MessageValuesOf<M>> extends true
    ? (values?: MessageValuesOf<M>, options?: CallOptions) => Promise<void>
    : (values: MessageValuesOf<M>, options?: CallOptions) => Promise<void>;

export type TransactionMethods<D> = {
  readonly [K in keyof TransactionsOf<D>]: TransactionMethod<TransactionsOf<D>[K]>;
};

/** The messages that go to `End`, as methods of the other end. */
export type MessageMethods<D, End extends 'front' | 'back'> = {
  readonly [K in MessageNames<D, End>]: MessageMethod<MessagesOf<D>[K & keyof MessagesOf<D>]>;
};

/** The values of one event. */
export type EventOf<D, K extends MessageNames<D, 'front'>> = MessageValuesOf<
  MessagesOf<D>[K & keyof MessagesOf<D>]
>;

/** The events, each as a hot observable that is called like it, with `$`. */
export type EventStreams<D> = {
  readonly [K in MessageNames<D, 'front'> as `${K}$`]: Observable<EventOf<D, K>>;
};

/** Handlers of events; the end of the promise gives the credit back. */
export type EventHandlers<D> = {
  readonly [K in MessageNames<D, 'front'>]?: (values: EventOf<D, K>) => MaybePromise<void>;
};

/** Handles a transaction: answers its status, or a failure; may also throw the failure. */
export type TransactionHandler<T, Context> = (
  parameters: ParametersOf<T>,
  context: Context,
) => MaybePromise<AnswerOf<T> | DriverFailure>;

type FeatureItems<D> = {
  [K in keyof TransactionsOf<D>]: TransactionsOf<D>[K] extends { readonly feature: string }
    ? K
    : never;
}[keyof TransactionsOf<D>];

/**
 * What a back end does, as an object or a class. A transaction that needs a feature may be left
 * out: then the feature is not offered.
 */
export type BackEndHandlers<D, Context> = {
  readonly [K in Exclude<keyof TransactionsOf<D>, FeatureItems<D>>]: TransactionHandler<
    TransactionsOf<D>[K],
    Context
  >;
} & {
  readonly [K in FeatureItems<D>]?: TransactionHandler<TransactionsOf<D>[K], Context>;
} & {
  readonly [K in MessageNames<D, 'back'>]: (
    values: MessageValuesOf<MessagesOf<D>[K & keyof MessagesOf<D>]>,
    context: Context,
  ) => MaybePromise<void>;
};
