/** Which words the program understands, what it says of them, and that whatever it tells people to type exists. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  asksForHelp,
  helpText,
  optionName,
  spellingOf,
  usageLine,
  wordsOf,
} from '#dist/cli/help.js'
import { nearest } from '#dist/cli/nearest.js'
import { refusalOf } from '#dist/cli/refusal.js'
import { createCli } from '#dist/cli/run.js'
import { UsageError } from '#dist/errors.js'
import { rowsInTurn } from '../support/rows.ts'

const ROOT = join(import.meta.dirname, '../..')
const NOWHERE = { cwd: ROOT, signal: new AbortController().signal }
const cli = createCli()
const definitions = cli.definitions()
const commands = definitions.map((definition) => wordsOf(definition).join(' '))

/** The commands and flags whose names are fixed; more may be added. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  init: [],
  'mission create': ['--topology'],
  'mission list': [],
  emit: ['--mission', '--aggregate', '--payload', '--batch'],
  'decision request': [
    '--mission',
    '--question',
    '--option',
    '--step',
    '--input-key',
    '--run',
    '--actor',
  ],
  'decision answer': ['--mission', '--answer', '--actor'],
  'decision log': ['--mission', '--ref'],
  'glossary observe': [
    '--mission',
    '--definition',
    '--scope',
    '--confidence',
    '--context',
    '--step',
    '--actor',
  ],
  'glossary request': ['--mission', '--question', '--option', '--urgency', '--step', '--actor'],
  'glossary resolve': ['--mission', '--select', '--definition', '--scope', '--actor'],
  'glossary list': ['--mission', '--scope', '--open'],
  'glossary verify': [],
  'hub serve': ['--host', '--port', '--data', '--open', '--team', '--backend', '--nats'],
  'hub webhook create': ['--team', '--project', '--data'],
  'hub webhook list': ['--data'],
  'hub webhook revoke': ['--data'],
  'hub token create': ['--team', '--user', '--ttl', '--out', '--data'],
  'hub token list': ['--data'],
  'hub token rotate': ['--grace', '--out', '--data'],
  'hub token revoke': ['--data'],
  'hub backup': ['--out', '--data'],
  'hub restore': ['--from', '--yes', '--data'],
  'hub verify': ['--data'],
  'hub migrate': ['--from', '--to', '--data', '--nats', '--nats-credentials'],
  'hub delete': ['--team', '--project', '--yes', '--data'],
  'hub export': ['--team', '--project', '--out', '--data'],
  'auth login': ['--hub', '--token-file', '--no-opt-in'],
  'auth status': [],
  'auth logout': [],
  'sync opt-in': ['--from-now'],
  'sync opt-out': [],
  'sync status': ['--check'],
  'sync now': [],
  'sync run': [],
  'sync import-history': ['--dry-run', '--confirm'],
  'sync purge': ['--project', '--yes'],
  'queue list': ['--state'],
  'queue stats': [],
  'queue show': [],
  'queue retry': ['--reason', '--all', '--yes'],
  'queue export': ['--state', '--out'],
  'queue purge': ['--state', '--reason', '--older-than', '--yes'],
  'queue gc': ['--older-than', '--yes'],
  doctor: [],
  '--version': [],
}

describe('a usage', () => {
  it('says of each option that takes a value that it does', () => {
    const options = definitions.flatMap((definition) => definition.options)
    const valued = options.filter(({ definition }) => definition.includes('#'))
    expect(valued.length).toBeGreaterThan(50)
    const bare = valued
      .map(({ definition }) => spellingOf(definition))
      .filter((one) => !/ \S/.test(one))
    expect([...new Set(bare)]).toEqual([])
  })

  it('says once that an argument may come more often', () => {
    for (const definition of definitions) expect(usageLine(definition)).not.toContain('...')
    expect(definitions.map(usageLine).join('\n')).toContain('validate FILE… [--type T]')
  })

  it('names each argument in capitals', () => {
    for (const definition of definitions) {
      const words = usageLine(definition).slice(definition.path.length)
      expect(words.replaceAll(/--?[a-z-]+/g, ''), definition.path).not.toMatch(/[a-z]/)
    }
  })
})

describe('the fixed names', () => {
  it.each(Object.entries(FIXED))('%s is a command and has its flags', (command, flags) => {
    expect(commands).toContain(command)
    expect(optionsOf(command)).toEqual(expect.arrayContaining(['--json', ...flags]))
  })
})

describe('--help', () => {
  it.each(definitions.map((definition) => [definition.path, definition] as const))(
    '%s describes itself, gives examples that it understands, and describes every option',
    (_path, definition) => {
      const help = helpText(wordsOf(definition), definitions) ?? ''
      expect(definition.description?.trim()).toMatch(/^[A-Z].{10,}[^.]$/s)
      expect(help).toContain(definition.description?.trim())
      expect(definition.category?.trim()).toMatch(/^[A-Z]/)
      for (const option of definition.options) {
        expect(option.description, option.definition).toMatch(/^[A-Za-z].{5,}/)
        // A value has a name of its own: clipanion knows none.
        expect(help).toMatch(new RegExp(`^  ${optionName(option.definition)} .*\\S`, 'm'))
      }
      expect(help).not.toContain('#0')
      expect(definition.examples?.length).toBeGreaterThan(0)
      for (const [, line] of definition.examples ?? []) expectUnderstood(commandIn(line))
    },
  )

  it('lists every command for the program, and those of a group for the group', () => {
    const whole = helpText([], definitions) ?? ''
    for (const command of commands.filter((name) => name !== '-v')) {
      expect(whole).toContain(`kittiwake ${command}`)
    }
    const group = helpText(['decision'], definitions) ?? ''
    expect(group).toContain('kittiwake decision log --mission M')
    expect(group).not.toContain('kittiwake emit')
    expect(helpText(['nothing'], definitions)).toBeNull()
  })

  it('is asked for by a flag anywhere, or by no words at all, but never by a value behind --', () => {
    for (const args of [[], ['--json'], ['emit', '-h'], ['emit', '--json', '--help'], ['-h']]) {
      expect(asksForHelp(args)).toBe(true)
    }
    for (const args of [['emit'], ['emit', '--', '--help'], ['--'], ['--version']]) {
      expect(asksForHelp(args)).toBe(false)
    }
  })
})

/** The words, the code of the refusal, and what its hint says. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  ['emt', 'COMMAND_UNKNOWN', 'Did you mean `kittiwake emit`?'],
  ['qeue list', 'COMMAND_UNKNOWN', 'Did you mean `kittiwake queue list`?'],
  ['hub token crate', 'COMMAND_UNKNOWN', 'Did you mean `kittiwake hub token create`?'],
  ['decision whatever', 'COMMAND_UNKNOWN', '`kittiwake decision answer`'],
  ['decision', 'COMMAND_UNKNOWN', '`kittiwake decision request`'],
  ['nonsense', 'COMMAND_UNKNOWN', 'See `kittiwake --help`.'],
  ['version', 'COMMAND_UNKNOWN', 'See `kittiwake --version`.'],
  ['help', 'COMMAND_UNKNOWN', 'See `kittiwake --help`.'],
  ['help wp create', 'COMMAND_UNKNOWN', 'See `kittiwake wp create --help`.'],
  ['--bogus', 'OPTION_UNKNOWN', 'See `kittiwake --help`.'],
  ['init --jsn', 'OPTION_UNKNOWN', 'Did you mean `--json`?'],
  ['init --no-opt-in', 'OPTION_UNKNOWN', 'See `kittiwake init --help`.'],
  ['init --json=yes', 'OPTION_VALUE', 'See `kittiwake init --help`.'],
  ['queue list --limit', 'OPTION_VALUE', '`--limit=VALUE`'],
  ['queue list extra', 'ARGUMENT_UNEXPECTED', 'See `kittiwake queue list --help`.'],
  ['emit X --payload', 'OPTION_VALUE', '`--payload=VALUE`'],
  ['machines lane --format', 'OPTION_VALUE', '`--format=VALUE`'],
  ['emit X Y', 'ARGUMENT_UNEXPECTED', 'See `kittiwake emit --help`.'],
  ['mission create', 'ARGUMENT_MISSING', 'See `kittiwake mission create --help`.'],
  ['auth login --hub=x', 'OPTION_MISSING', 'See `kittiwake auth login --help`.'],
]

describe('a parser of the commands that the words may mean', () => {
  const others = [
    ...definitions.flatMap(({ examples = [] }) => examples.map(([, line]) => commandIn(line))),
    ...commands.flatMap((name) => [`kittiwake ${name} --mission`, `kittiwake --json ${name}`]),
  ]
  const lines = rowsInTurn(others, 5).map((line) => wordsIn(line).slice(1))
  lines.push(...REFUSED.map(([line]) => line.split(' ')))

  it('understands and refuses what a parser of all commands does', () => {
    expect(lines.length).toBeGreaterThan(50)
    for (const args of lines) expect(meaningOf(args, createCli(args))).toEqual(meaningOf(args, cli))
  })

  it('knows those of the first word only', () => {
    const found = createCli(['queue', 'list']).definitions().map(wordsOf)
    expect(new Set(found.map(([first]) => first))).toEqual(new Set(['queue']))
    expect(createCli(['nonsense']).definitions()).toHaveLength(definitions.length)
  })
})

describe('words that are not understood', () => {
  it.each(REFUSED)('%s is %s, and it says: %s', (line, code, hint) => {
    const refusal = refuse(line.split(' '))
    expect(refusal).toMatchObject({ code, name: 'UsageError' })
    expect(refusal.hint).toContain(hint)
  })

  it('name the options that are missing', () => {
    expect(refuse(['decision', 'request', '--mission', 'a']).message).toContain('--question Q')
    expect(refuse(['decision', 'request']).message).toContain('--mission M and --question Q')
  })

  it('are never quoted, unless they are the plain name of an option', () => {
    const secret = 'hunter2-Secret'
    const lines = [
      [secret],
      ['emit', 'A', secret],
      ['emit', `--${secret}`],
      ['emit', `--mission${secret}=${secret}`],
      ['init', `--json=${secret}`],
      ['decision', secret],
    ]
    for (const args of lines) {
      const { message, hint } = refuse(args)
      expect(`${message} ${hint}`).not.toContain(secret)
    }
  })

  it('are compared in bounded time, and only what is near is proposed', () => {
    expect(nearest('emit', ['emit'])).toBe('emit')
    expect(nearest('x'.repeat(100_000), ['init'])).toBeNull()
    expect(nearest('', ['init'])).toBeNull()
    expect(nearest('abcdef', ['uvwxyz'])).toBeNull()
  })
})

describe('the package', () => {
  it('holds each document that the README links', () => {
    const text = readFileSync(join(ROOT, 'package.json'), 'utf8')
    const { files } = JSON.parse(text) as { files: readonly string[] }
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const linked = [...readme.matchAll(/\]\((docs\/[^)#]+)/g)].map(([, path = '']) => path)
    const held = (path: string) => files.some((one) => path === one || path.startsWith(`${one}/`))
    expect(linked.length).toBeGreaterThan(10)
    expect(linked.filter((path) => !held(path))).toEqual([])
  })
})

describe('what the program tells people to type', () => {
  const hints = hintsIn(join(ROOT, 'src'))

  it('is found in the sources', () => {
    expect(hints.length).toBeGreaterThan(25)
  })

  it.each([...new Set(hints)].sort())('exists: %s', (hint) => {
    expectUnderstood(hint)
    expect(helpText(hint.split(/\s+/).slice(1), definitions)).not.toBeNull()
  })

  it('is the table of the README, and nothing is missing there', () => {
    const rows = readmeCommands()
    for (const { command, flags } of rows) {
      expect(commands).toContain(command)
      expect(optionsOf(command)).toEqual(expect.arrayContaining([...flags]))
    }
    const named = rows.map(({ command }) => command)
    expect(commands.filter((name) => name !== '-v').sort()).toEqual([...new Set(named)].sort())
  })
})

function refuse(args: readonly string[]): UsageError {
  const meaning = meaningOf(args, createCli(args))
  if (meaning instanceof UsageError) return meaning
  throw new Error(`understood: ${args.join(' ')}`)
}

/** The command that a parser makes of the words, with its values, or what is said of them. */
function meaningOf(args: readonly string[], parser: typeof cli): object {
  try {
    const command = parser.process([...args], NOWHERE)
    const values = Object.entries(command).filter(([name]) => !/^(?:cli|context)$/.test(name))
    return { name: command.constructor.name, values }
  } catch (error) {
    return refusalOf(args, error, definitions)
  }
}

/** A whole line is parsed; a command that is only named must be there. */
function expectUnderstood(line: string): void {
  const args = line.split(/\s+/).slice(1)
  const flags = args.filter((word) => word.startsWith('-'))
  const path = args.filter((word) => /^[a-z][a-z-]*$/.test(word)).join(' ')
  if (flags.some((flag) => flag === '--help')) expect(helpText(args, definitions)).not.toBeNull()
  else if (flags.length === 0 && commands.includes(path)) expect(commands).toContain(path)
  else expect(() => parse(wordsIn(line).slice(1))).not.toThrow()
}

const parse = (words: readonly string[]) => createCli(words).process([...words], NOWHERE)

/** An example may stand in a pipe. */
function commandIn(line: string): string {
  const part = line.split(' | ').find((one) => one.includes('kittiwake')) ?? line
  return part.split(' > ')[0] ?? part
}

function wordsIn(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  )
}

function optionsOf(command: string): string[] {
  const found = definitions.find((definition) => wordsOf(definition).join(' ') === command)
  return (found?.options ?? []).map((option) => optionName(option.definition))
}

/** Everything between back-ticks that begins with the program's name, in sources as they stand. */
function hintsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/\\?`(kittiwake [^`\\]+)\\?`/g)])
    .map(([, hint]) => hint ?? '')
    .filter((hint) => !hint.includes('${'))
}

type Row = { readonly command: string; readonly flags: readonly string[] }

/** A row names a command and, after a middle dot, others of the same group. */
function readmeCommands(): Row[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const section = readme.split('\n## Commands\n')[1]?.split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `kittiwake'))
    .flatMap((line) => {
      const cell = line.replaceAll('\\|', '/').split('|')[1] ?? ''
      const spans = [...cell.matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? '')
      const [first = '', ...others] = spans
      const group = /^kittiwake (\w+) [a-z]/.exec(first)?.[1]
      return [first, ...others.map((span) => `kittiwake ${group ?? ''} ${span}`)].map(rowOf)
    })
}

function rowOf(span: string): Row {
  const words = span.split(/\s+/).slice(1)
  const path = words.filter((word) => /^(?:[a-z][a-z-]*|--version)$/.test(word))
  const flags = [...span.matchAll(/--[a-z-]+/g)].map(([flag]) => flag)
  return { command: path.join(' '), flags: flags.filter((flag) => flag !== '--version') }
}
