/** The documentation of a protocol, in Markdown, from its definition alone. */
import { kitFailures } from './driver-error.js';
import { notesOf } from './field-codec.js';
import type { MessageItem, TransactionItem } from './layout.js';
import type { AnyProtocol } from './protocol.js';
import type { FieldSchema, RecordSchema } from './schema.js';

const effects = {
  none: 'changes nothing; it may be submitted again in any case',
  idempotent: 'idempotent',
  once: 'must not be executed twice',
} as const;

/** Answers the whole document, with a heading of level 1. */
export function documentProtocol(protocol: AnyProtocol): string {
  const { schema, name, version, oldest } = protocol;
  const layout = protocol.layoutAt(version);
  const sections = [
    `# ${name}`,
    schema.note ?? '',
    `Version ${version}; versions from ${oldest} on are spoken. Digest ${hex(layout.digest)}.`,
    documentFeatures(schema.features ?? {}),
    ...protocol.transactions.map(documentTransaction),
    ...protocol.messages.map(documentMessage),
    documentErrors(schema.errors ?? {}),
    documentRules(layout),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function documentFeatures(features: Readonly<Record<string, string>>): string {
  const rows = Object.entries(features).map(([name, note]) => [code(name), note]);
  return rows.length === 0 ? '' : `## Features\n\n${table(['feature', 'meaning'], rows)}`;
}

function documentTransaction(item: TransactionItem): string {
  const { name, number, effect, range, schema } = item;
  const facts = [`Transaction ${number}`, effects[effect], ...factsOf(item)];
  if (range === 'everything') facts.push('changes the whole device');
  else if (range !== undefined) {
    facts.push(`changes ${code(range.length)} from ${code(range.from)} on`);
  }
  return [
    `## ${name}`,
    schema.note ?? '',
    `${facts.join('; ')}.`,
    documentRecord('Parameters', schema.parameters),
    documentRecord('Status', schema.status),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function documentMessage(item: MessageItem): string {
  const { name, number, to, schema } = item;
  const kind = to === 'front' ? `Event ${number}, to the front end` : `Message ${number}`;
  return [
    `## ${name}`,
    schema.note ?? '',
    `${[kind, ...factsOf(item)].join('; ')}.`,
    documentRecord('Fields', schema.fields),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function factsOf({ since, feature }: TransactionItem | MessageItem): string[] {
  const facts = since > 1 ? [`since version ${since}`] : [];
  return feature === undefined ? facts : [...facts, `needs the feature ${code(feature)}`];
}

function documentRecord(title: string, record: RecordSchema = {}): string {
  const rows = rowsOf(record, '');
  return rows.length === 0
    ? `${title}: none.`
    : `${title}:\n\n${table(['field', 'type', 'since', 'meaning'], rows)}`;
}

function rowsOf(record: RecordSchema, prefix: string): string[][] {
  return Object.entries(record).flatMap(([name, field]) => {
    const { since = 1, otherwise, note = '' } = notesOf(field);
    const before = since > 1 ? `${since}, before: ${describeValue(otherwise)}` : '1';
    const row = [code(prefix + name), describeType(field), before, note];
    return [row, ...rowsOf(recordIn(field), `${prefix}${name}.`)];
  });
}

/** The record inside a field, whatever is around it. */
function recordIn(field: FieldSchema): RecordSchema {
  if (typeof field === 'string') return {};
  if ('record' in field) return field.record;
  if ('list' in field) return recordIn(field.list);
  return 'optional' in field ? recordIn(field.optional) : {};
}

function describeType(field: FieldSchema): string {
  if (typeof field === 'string') return field;
  if ('is' in field) return field.is;
  if ('bytes' in field) return `at most ${field.bytes} bytes`;
  if ('text' in field) return `text of at most ${field.text} bytes`;
  if ('choice' in field) return field.choice.map((word) => code(word)).join(', ');
  if ('list' in field) return `list of at most ${field.max}: ${describeType(field.list)}`;
  if ('record' in field) return 'record';
  return `optional: ${describeType(field.optional)}`;
}

function describeValue(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value === undefined || typeof value === 'bigint') return code(String(value));
  return code(JSON.stringify(value));
}

function documentErrors(errors: Readonly<Record<string, number>>): string {
  const own = Object.entries(errors).map(([name, number]) => [code(name), String(number), '']);
  const kit = Object.entries(kitFailures)
    .filter(([, { wire }]) => wire !== 0)
    .map(([name, { wire, meaning }]) => [code(name), String(wire), meaning]);
  return `## Failures\n\n${table(['failure', 'code', 'meaning'], [...own, ...kit])}`;
}

function documentRules(sizes: {
  readonly parameterBytesMax: number;
  readonly statusBytesMax: number;
  readonly messageBytesMax: number;
}): string {
  const { parameterBytesMax, statusBytesMax, messageBytesMax } = sizes;
  return [
    '## On the wire',
    [
      'An item is its number in one byte and its fields in order, in BARE (baremessages.org):',
      '`uint8` is u8, `uint16` u16, `uint32` and `uint53` uint, `int32` and `int53` int, `uint64`',
      'u64, `float64` f64, text str, bytes data, a choice an enum, and lists, records and optional',
      'fields what BARE calls so. Item 0 is the greeting of the kit.',
    ].join(' '),
    `At most ${parameterBytesMax} bytes of parameters, ${statusBytesMax} of status and ` +
      `${messageBytesMax} of a message.`,
    [
      'Both ends speak the newest version that both know. A field takes no byte in versions before',
      'its own; whoever is newer reads the value named above. An item of a later version, or of a',
      'feature that one end lacks, is not submitted, and is answered UNKNOWN_ITEM if it is.',
    ].join(' '),
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map(escape).join(' | ')} |`,
  );
  return lines.join('\n');
}

/** What would end a cell or a row. */
function escape(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}

function code(text: string): string {
  return `\`${text}\``;
}

function hex(digest: number): string {
  return digest.toString(16).padStart(8, '0');
}
