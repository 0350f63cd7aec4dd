import { Option } from 'clipanion'
import { UsageError } from '../../errors.ts'
import type { PresentFocus } from '../../project/focus.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { ProjectView } from '../../view.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { durationOption } from '../options.ts'

/** Whether the team sees it now, or why not. */
type Told = 'live' | 'no_link' | 'no_consent' | 'not_authenticated'

export class FocusCommand extends KittiwakeCommand {
  static override paths = [['focus']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: 'Say what you work on, so that the team sees it on the dashboard',
    details:
      'Without options it shows what was said last. It counts for two hours unless `--for` says otherwise, and until something ' +
      'else is said; a work package that is moved to in_progress is said by itself, and no longer once it leaves that lane. It is ' +
      'told while the link of the project is held and only with consent, names no person, and is stored at no hub.',
    examples: [
      ['On a work package', 'kittiwake focus --mission login --wp WP01'],
      ['On a mission, for this morning', 'kittiwake focus --mission login --for 4h'],
      ['On nothing any more', 'kittiwake focus --clear'],
    ],
  })

  mission = Option.String('--mission', { description: 'Directory name, slug or ULID' })
  wp = Option.String('--wp', { description: 'A work package of it' })
  for = Option.String('--for', { description: 'How long, as 30m or 4h; a day at most' })
  clear = Option.Boolean('--clear', false, { description: 'On nothing any more' })

  override get safety(): Safety {
    return this.#onlyShows ? 'safe' : 'unsafe'
  }

  async run(): Promise<Result> {
    this.#checkOptions()
    if (this.#onlyShows) return this.#show()
    const forMs = await this.#forMs()
    return this.withRuntime(async (runtime) => {
      const { mission, wp } = this
      if (mission === undefined) {
        const cleared = await runtime.focus.clear()
        return {
          fields: { focus: null, cleared },
          text: cleared ? 'You work on nothing any more.' : 'Nothing was said.',
        }
      }
      const declared = { mission, ...(wp === undefined ? {} : { wp }), ...forMs }
      const focus = await runtime.focus.declare(declared)
      const told = toldBy(await runtime.status())
      return { fields: { focus, told }, text: `${sentence(focus)} ${WORDS[told]}` }
    })
  }

  get #onlyShows(): boolean {
    return this.mission === undefined && !this.clear
  }

  async #forMs(): Promise<{ readonly forMs?: number }> {
    if (this.for === undefined) return {}
    const { FOCUS_MAX_MS, FOCUS_MIN_MS } = await import('../../focus.ts')
    return { forMs: durationOption('--for', this.for, FOCUS_MIN_MS, FOCUS_MAX_MS) }
  }

  async #show(): Promise<Result> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { presentFocus } = await import('../../project/focus.ts')
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const repository = await locateRepository(this.context.cwd)
    const focus = await presentFocus(repository, stateDirectory(process.env), Date.now())
    return { fields: { focus }, text: focus === null ? 'Nothing is said.' : sentence(focus) }
  }

  #checkOptions(): void {
    const { mission, wp, clear } = this
    if (mission === undefined && (wp !== undefined || this.for !== undefined)) {
      throw new UsageError('FOCUS_OPTIONS', '--wp and --for go with --mission', {
        hint: 'Say which mission: `kittiwake focus --mission M --wp WP01`.',
      })
    }
    if (mission !== undefined && clear) {
      throw new UsageError('FOCUS_OPTIONS', '--clear goes without --mission', {
        hint: 'Leave one of them out.',
      })
    }
  }
}

const WORDS: Readonly<Record<Told, string>> = {
  live: 'The team is told.',
  no_link: 'The team is told once there is a link; see `kittiwake sync status`.',
  no_consent: 'The team is not told without consent; see `kittiwake sync opt-in`.',
  not_authenticated: 'The team is not told without a login; see `kittiwake auth login`.',
}

function toldBy({ consent, login, link_live }: ProjectView): Told {
  if (consent !== 'granted') return 'no_consent'
  if (login === null) return 'not_authenticated'
  return link_live ? 'live' : 'no_link'
}

function sentence({ mission, wp, until }: PresentFocus): string {
  return `You work on ${mission}${wp === null ? '' : `, ${wp}`} until ${until}.`
}
