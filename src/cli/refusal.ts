/** Words that no command understands, as an error that says which word it is and what was meant. */
import type { Definition } from 'clipanion'
import { UsageError } from '../errors.ts'
import { findCommand, findGroup, optionName, pathOf, spellingOf, wordsOf } from './help.ts'
import { nearest } from './nearest.ts'

/** Commands that one hint names at most. */
const NAMED_MAX = 6
/** A word that may be quoted: whatever else somebody typed may be a secret. */
const OPTION = /^--?[a-z][a-z-]{0,40}$/

/** `thrown` is what clipanion made of the words. Values are never quoted. */
export function refusalOf(
  args: readonly string[],
  thrown: unknown,
  definitions: readonly Definition[],
): UsageError {
  const path = pathOf(args)
  const command = findCommand(path, definitions)
  if (command !== null) return optionRefusal(args, thrown, command)
  if (path.length === 0) {
    return usage('OPTION_UNKNOWN', 'a command is expected before any option', see(''))
  }
  const helped = helpOf(path, definitions)
  if (helped !== null) return helped
  const group = findGroup(path, definitions)
  if (group.length > 0) return usage('COMMAND_UNKNOWN', 'the command is not complete', oneOf(group))
  return commandRefusal(path, definitions)
}

/** What people type at first: `version`, `help`, `help COMMAND`. */
function helpOf(path: readonly string[], definitions: readonly Definition[]): UsageError | null {
  const [first, ...words] = path
  if (first === 'version') {
    return usage('COMMAND_UNKNOWN', 'there is no such command', 'See `kittiwake --version`.')
  }
  if (first !== 'help') return null
  const meant = findCommand(words, definitions)
  const hint = see(meant === null ? '' : wordsOf(meant).join(' '))
  return usage('COMMAND_UNKNOWN', 'help is an option', hint)
}

function commandRefusal(path: readonly string[], definitions: readonly Definition[]): UsageError {
  const names = definitions.map(wordsOf).filter(([first]) => first?.startsWith('-') === false)
  const meant = [3, 2, 1]
    .map((length) => {
      const candidates = names.filter((words) => words.length === length)
      const typed = path.slice(0, length).join(' ')
      return nearest(
        typed,
        candidates.map((words) => words.join(' ')),
      )
    })
    .find((name) => name !== null)
  const family = findGroup(path.slice(0, 1), definitions)
  const others = family.length > 0 ? oneOf(family) : see('')
  const hint = meant === undefined ? others : `Did you mean \`kittiwake ${meant}\`?`
  return usage('COMMAND_UNKNOWN', 'there is no such command', hint)
}

function optionRefusal(args: readonly string[], thrown: unknown, command: Definition): UsageError {
  const reason = reasonOf(thrown)
  const words = wordsOf(command).join(' ')
  const quoted = /option name \("([^"]*)"\)|option (--[a-z-]+)/.exec(reason)
  const option = quoted?.[1] ?? quoted?.[2] ?? ''
  const name = option.split('=')[0] ?? ''
  const shown = OPTION.test(name) ? ` ${name}` : ''
  if (reason.startsWith('Unsupported option')) {
    const known = [...command.options.map((one) => optionName(one.definition)), '--help']
    const meant = nearest(name, known)
    const hint = meant === null ? see(words) : `Did you mean \`${meant}\`? ${see(words)}`
    return usage('OPTION_UNKNOWN', `there is no option${shown}`, hint)
  }
  if (reason.startsWith('Invalid option')) {
    return usage('OPTION_VALUE', `the option${shown} takes no value like this`, see(words))
  }
  if (reason.startsWith('Not enough arguments')) {
    const dash = `A value that begins with a dash is given as \`${name}=VALUE\`. `
    return usage('OPTION_VALUE', `the option${shown} needs a value`, `${dash}${see(words)}`)
  }
  if (reason.startsWith('Extraneous')) {
    return usage('ARGUMENT_UNEXPECTED', 'there is an argument too many', see(words))
  }
  if (reason.startsWith('Not enough positional')) {
    return usage('ARGUMENT_MISSING', 'an argument is missing', see(words))
  }
  const missing = command.options
    .filter((one) => one.required && !isGiven(optionName(one.definition), args))
    .map((one) => spellingOf(one.definition))
  return missing.length === 0
    ? usage('USAGE', 'the command is not understood', see(words))
    : usage('OPTION_MISSING', `this command needs ${missing.join(' and ')}`, see(words))
}

type UnknownSyntaxError = Error & {
  readonly candidates: readonly { readonly reason: string | null }[]
}

/** Of a command with an argument that may be left out, clipanion gives one for each way to read the words. */
function reasonOf(thrown: unknown): string {
  const { candidates = [], message = '' } = thrown as Partial<UnknownSyntaxError>
  const reasons = candidates.flatMap(({ reason }) => reason ?? [])
  const telling = reasons.find((reason) => !reason.startsWith('Extraneous')) ?? reasons[0]
  return telling ?? message.split('\n')[0] ?? ''
}

function isGiven(name: string, args: readonly string[]): boolean {
  return args.some((word) => word === name || word.startsWith(`${name}=`))
}

function oneOf(commands: readonly Definition[]): string {
  const names = commands.slice(0, NAMED_MAX).map((one) => `\`${one.path}\``)
  return `One of ${names.join(', ')}.`
}

function see(words: string): string {
  return words === '' ? 'See `kittiwake --help`.' : `See \`kittiwake ${words} --help\`.`
}

function usage(code: string, message: string, hint: string): UsageError {
  return new UsageError(code, message, { hint })
}
