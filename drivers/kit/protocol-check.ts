/** What has to hold of a protocol's definition; whatever does not is a programmer error. */
import { IdcAssertionError } from 'idc';
import { compileField, notesOf, RecordCodec } from './field-codec.js';
import { encodeRecord, compileRecord } from './item-codec.js';
import { ValueError } from './scalar-codec.js';
import type { FieldSchema, ProtocolSchema, RecordSchema, TransactionSchema } from './schema.js';

/** Members of every front end and back end, and `then`, which would make it look like a promise. */
const reservedNames: ReadonlySet<string> = new Set([
  ...['agreed', 'close', 'constructor', 'endpoint', 'faults$', 'frontEnds', 'lifecycle$'],
  ...['listener', 'peer', 'ready', 'statistics', 'then'],
]);

/** In camelCase, and not what every object has anyway, such as `constructor`. */
function isName(text: string): boolean {
  return /^[a-z][a-zA-Z0-9]*$/.test(text) && !(text in Object.prototype);
}

const errorPattern = /^[A-Z][A-Z0-9_]*$/;
const itemsMax = 255;
/** Each end has memory for the largest items of its protocol. */
const itemBytesMax = 2 ** 26;
export const versionsMax = 32;
export const featuresMax = 16;
export const featureBytesMax = 32;
export const protocolNameBytesMax = 64;

/** Throws `IdcAssertionError` BAD_ARGUMENT. */
export function checkProtocol(schema: ProtocolSchema): void {
  const { name, version, oldest = 1, features = {}, errors = {} } = schema;
  const { transactions = {}, messages = {} } = schema;
  expect(Buffer.byteLength(name) <= protocolNameBytesMax && name !== '', 'a protocol has a name');
  const isRange = isCount(version, 65_535) && isCount(oldest, version);
  expect(isRange, `${name}: versions are whole numbers from 1 on`);
  expect(version - oldest < versionsMax, `${name}: at most ${versionsMax} versions are spoken`);
  expect(Object.keys(features).length <= featuresMax, `${name}: at most ${featuresMax} features`);
  for (const feature of Object.keys(features)) {
    const isRight = isName(feature) && feature.length <= featureBytesMax;
    expect(isRight, `${name}: ${feature} is no name of a feature`);
  }
  checkErrors(name, errors);
  const names = [...Object.keys(transactions), ...Object.keys(messages)];
  expect(new Set(names).size === names.length, `${name}: every item has a name of its own`);
  expect(names.length <= itemsMax, `${name}: at most ${itemsMax} items`);
  for (const [item, transaction] of Object.entries(transactions)) {
    const place = `${name}.${item}`;
    checkItem(schema, place, item, transaction);
    checkRecord(`${place}.parameters`, transaction.parameters ?? {}, version);
    checkRecord(`${place}.status`, transaction.status ?? {}, version);
    checkRange(place, transaction);
  }
  for (const [item, message] of Object.entries(messages)) {
    checkItem(schema, `${name}.${item}`, item, message);
    checkRecord(`${name}.${item}.fields`, message.fields ?? {}, version);
  }
}

function checkErrors(name: string, errors: Readonly<Record<string, number>>): void {
  const codes = Object.values(errors);
  expect(new Set(codes).size === codes.length, `${name}: every error has a code of its own`);
  for (const [error, code] of Object.entries(errors)) {
    const isRight = errorPattern.test(error) && isCount(code, 2 ** 31 - 1);
    expect(isRight, `${name}: ${error} is a name in capitals with a code from 1 on`);
  }
}

function checkItem(
  schema: ProtocolSchema,
  place: string,
  item: string,
  { since = 1, feature }: { readonly since?: number; readonly feature?: string },
): void {
  expect(
    isName(item) && !reservedNames.has(item),
    `${place}: the name is reserved, or not in camelCase`,
  );
  expect(isCount(since, schema.version), `${place}: since is a version of the protocol`);
  const isKnown = feature === undefined || Object.hasOwn(schema.features ?? {}, feature);
  expect(isKnown, `${place}: the feature is not one of the protocol`);
}

function checkRange(place: string, { range, effect, parameters = {} }: TransactionSchema): void {
  if (range === undefined) return;
  expect(effect !== 'none', `${place}: what changes nothing has no range`);
  const isFrom = isNumber(parameters[range.from]);
  const length = parameters[range.length];
  const isLength = isNumber(length) || (typeof length === 'object' && 'bytes' in length);
  expect(isFrom && isLength, `${place}: the range names two parameters, numbers or bytes`);
}

function isNumber(field: FieldSchema | undefined): boolean {
  if (field === undefined) return false;
  const kind = typeof field === 'string' ? field : 'is' in field ? field.is : '';
  return /^u?int\d+$/.test(kind);
}

function checkRecord(place: string, record: RecordSchema, version: number): void {
  for (const [name, field] of Object.entries(record)) {
    const here = `${place}.${name}`;
    expect(isName(name), `${here}: the name is not in camelCase`);
    checkField(here, field, version);
  }
  const { byteLengthMax } = new RecordCodec(record, version);
  expect(byteLengthMax <= itemBytesMax, `${place}: at most ${itemBytesMax} bytes`);
}

function checkField(place: string, field: FieldSchema, version: number): void {
  const { since = 1, otherwise } = notesOf(field);
  expect(isCount(since, version), `${place}: since is a version of the protocol`);
  if (typeof field === 'object') checkParts(place, field, version);
  try {
    compileField(field, version);
    if (since > 1 || otherwise !== undefined) {
      encodeRecord(compileRecord({ field: withoutSince(field) }), { field: otherwise });
    }
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    fail(`${place}: otherwise ${error.message}`);
  }
}

function checkParts(place: string, field: Exclude<FieldSchema, string>, version: number): void {
  if ('bytes' in field) expect(isCount(field.bytes, 2 ** 26), `${place}: a number of bytes`);
  if ('text' in field) expect(isCount(field.text, 2 ** 26), `${place}: a number of bytes`);
  if ('choice' in field) {
    const isChoice = new Set(field.choice).size === field.choice.length && field.choice.length > 0;
    expect(isChoice, `${place}: a choice is of different words`);
  }
  if ('list' in field) {
    expect(isCount(field.max, 2 ** 20), `${place}: a list has a largest count`);
    checkPart(place, field.list, version);
  }
  if ('record' in field) checkRecord(place, field.record, version);
  if ('optional' in field) checkPart(place, field.optional, version);
}

/** What is in a list, or optional, is there as long as the field around it is. */
function checkPart(place: string, part: FieldSchema, version: number): void {
  expect(notesOf(part).since === undefined, `${place}: since is said of the whole field`);
  checkField(place, part, version);
}

/** Its default has to fit the field itself, whichever version it is of. */
function withoutSince(field: FieldSchema): FieldSchema {
  return typeof field === 'string' ? field : { ...field, since: 1 };
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}

function expect(holds: boolean, claim: string): void {
  if (!holds) fail(claim);
}

function fail(claim: string): never {
  throw new IdcAssertionError('BAD_ARGUMENT', claim);
}
