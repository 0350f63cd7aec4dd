/** What `--help` prints: plain text, made from what the commands declare. */
import type { Definition } from 'clipanion'
import { columns } from './output.ts'

/** What stands for the value of an option; one that is not here is a switch. */
const VALUE_BY_OPTION: Readonly<Record<string, string>> = {
  '--actor': 'ID',
  '--aggregate': 'ID',
  '--answer': 'A',
  '--as-of': 'EVENT',
  '--attach': 'PROJECT|PID',
  '--backend': 'NAME',
  '--base': 'REF',
  '--batch': 'FILE|-',
  '--confidence': 'C',
  '--confirm': 'HASH',
  '--context': 'T',
  '--data': 'DIR',
  '--definition': 'D',
  '--depends-on': 'WP',
  '--evidence': 'JSON|@FILE|-',
  '--execution-mode': 'MODE',
  '--for': 'TIME',
  '--format': 'FORMAT',
  '--from': 'FILE|NAME',
  '--grace': 'TIME',
  '--head': 'REF',
  '--host': 'H',
  '--hub': 'URL',
  '--idle': 'SECONDS',
  '--input-key': 'K',
  '--keep-days': 'N',
  '--limit': 'N',
  '--message': 'MSG',
  '--mission': 'M',
  '-m': 'MSG',
  '--mode': 'MODE',
  '--nats': 'URL',
  '--nats-ca': 'FILE',
  '--nats-cert': 'FILE',
  '--nats-credentials': 'FILE',
  '--nats-key': 'FILE',
  '--nats-replicas': 'N',
  '--older-than': 'AGE',
  '--option': 'O',
  '--out': 'FILE',
  '--payload': 'JSON|@FILE|-',
  '--port': 'N',
  '--project': 'UUID',
  '--public-url': 'URL',
  '--question': 'Q',
  '--reason': 'R',
  '--record': 'FILE',
  '--reducer': 'R',
  '--ref': 'REF',
  '--replacement': 'R',
  '--review-ref': 'REF',
  '--review-result': 'JSON|@FILE|-',
  '--run': 'R',
  '--scope': 'S',
  '--select': 'N',
  '--state': 'S',
  '--step': 'S',
  '--target': 'TARGET',
  '--target-branch': 'BRANCH',
  '--team': 'T',
  '--timeout': 'SECONDS',
  '--title': 'T',
  '--to': 'NAME',
  '--token-file': 'FILE|-',
  '--token-store': 'STORE',
  '--topology': 'T',
  '--trace': 'FILE',
  '--ttl': 'TIME',
  '--type': 'T',
  '--urgency': 'U',
  '--user': 'U',
  '--wp': 'WP',
}

/** Words that may be left out; clipanion gives them no name. */
const REST_BY_COMMAND: Readonly<Record<string, string>> = {
  gate: '[-- COMMAND…]',
  'queue retry': '[ID…]',
}

const REPEATABLE: ReadonlySet<string> = new Set(['--depends-on', '--option'])

const TABLE: readonly (readonly [string, string])[] = [
  ['0', 'ok'],
  ['1', 'failed, or some line of a batch was refused'],
  ['2', 'the words are not understood'],
  ['3', 'not authenticated'],
  ['4', 'the project needs `kittiwake upgrade`'],
  ['5', 'the project is newer than this program'],
  ['6', "`.kittify/metadata.yaml` can't be used"],
  ['7', 'recorded, but its commit is deferred'],
  ['8', 'something stays undelivered'],
  ['130', 'interrupted'],
]

/** Whether the words ask for help. What follows `--` are values. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const words = end === -1 ? args : args.slice(0, end)
  if (words.length === 0) return end === -1
  return words.every((word) => word === '--json') || words.some(isHelpFlag)
}

/** The help on a command, a group of commands or the program; null where there is no such command. */
export function helpText(
  args: readonly string[],
  definitions: readonly Definition[],
): string | null {
  const path = pathOf(args)
  const command = findCommand(path, definitions)
  if (command !== null) return commandHelp(command)
  const group = findGroup(path, definitions)
  if (group.length === 0) return null
  const commands = group.flatMap((one) => [
    `  ${usageLine(one)}`,
    `      ${one.description?.trim() ?? ''}`,
  ])
  const head = path.length === 0 ? programHead() : [`Commands of \`kittiwake ${path.join(' ')}\`:`]
  return [...head, '', ...commands, ...(path.length === 0 ? programFoot() : [])].join('\n')
}

/** The words in front of the first option: they name a command, and may go on with its arguments. */
export function pathOf(args: readonly string[]): readonly string[] {
  if (args[0] === '--version' || args[0] === '-v') return [args[0]]
  const end = args.findIndex((word) => word.startsWith('-'))
  return end === -1 ? args : args.slice(0, end)
}

/** The command whose path the words begin with; of two, the one that says more. */
export function findCommand(
  path: readonly string[],
  definitions: readonly Definition[],
): Definition | null {
  const found = definitions.filter((definition) => {
    const words = wordsOf(definition)
    return words.length > 0 && words.every((word, at) => word === path[at])
  })
  return found.sort((a, b) => wordsOf(b).length - wordsOf(a).length)[0] ?? null
}

/** The commands whose path begins with the words. */
export function findGroup(
  path: readonly string[],
  definitions: readonly Definition[],
): readonly Definition[] {
  return definitions.filter((definition) => {
    const words = wordsOf(definition)
    return !words.includes('-v') && path.every((word, at) => word === words[at])
  })
}

/** `decision answer`: the words that name the command. */
export function wordsOf(definition: Definition): readonly string[] {
  return definition.path.split(' ').slice(1)
}

/** `--mission M`, `--json`: how an option is written. */
export function spellingOf(definition: string): string {
  const name = optionName(definition)
  const value = VALUE_BY_OPTION[name]
  return value === undefined ? name : `${name} ${value}`
}

/** The name of an option as clipanion defines it: `--mission #0` gives `--mission`. */
export function optionName(definition: string): string {
  return definition.split(' ')[0]?.split(',')[0] ?? ''
}

/** The whole command on one line, required options first. */
export function usageLine(definition: Definition): string {
  const [name = '', ...positional] = splitUsage(definition)
  const options = [...definition.options]
    .filter((option) => optionName(option.definition) !== '--json')
    .sort((a, b) => Number(b.required) - Number(a.required))
    .map((option) => {
      const spelling = spellingOf(option.definition)
      const repeated = REPEATABLE.has(optionName(option.definition)) ? '…' : ''
      return option.required ? spelling : `[${spelling}]${repeated}`
    })
  return [name, ...positional, ...options].join(' ')
}

function commandHelp(command: Definition): string {
  const [json, ...others] = command.options
  const options = [...others, ...(json === undefined ? [] : [json])].map((option) => [
    `  ${spellingOf(option.definition)}`,
    `${option.description ?? ''}${option.required ? ' (required)' : ''}`,
  ])
  const examples = (command.examples ?? []).map(
    ([title, line]) => `  ${line}\n      ${title.trim()}`,
  )
  return [
    command.description?.trim() ?? '',
    `Usage: ${usageLine(command)} [--json]`,
    ...(command.details === undefined ? [] : [command.details.trim().replaceAll(/ +$/gm, '')]),
    `Options:\n${columns([...options, ['  --help, -h', 'Print this text']])}`,
    `Examples:\n${examples.join('\n')}`,
  ].join('\n\n')
}

function programHead(): readonly string[] {
  return [
    'Kittiwake turns what people and coding agents decide and do in a git repository into events.',
    '',
    'Usage: kittiwake COMMAND [OPTIONS]',
  ]
}

function programFoot(): readonly string[] {
  return [
    '',
    'Every command takes --json, which prints one JSON document, and --help.',
    '',
    'Exit codes:',
    columns(TABLE.map(([code, meaning]) => [`  ${code}`, meaning])),
  ]
}

/** The command's words as one, then its positional arguments. */
function splitUsage(definition: Definition): readonly string[] {
  const rest = definition.usage.slice(definition.path.length).trim()
  // What may come more often says so by its name already.
  const words = rest
    .replaceAll(/<([^>]*)>/g, '$1')
    .replaceAll('… ...', '…')
    .replace('...', REST_BY_COMMAND[wordsOf(definition).join(' ')] ?? '...')
  return rest === '' ? [definition.path] : [definition.path, words]
}

function isHelpFlag(word: string): boolean {
  return word === '--help' || word === '-h'
}
