import { Option } from 'clipanion'
import { SCOPES, type Scope } from '../../contracts/ledgers/glossary-sense.ts'
import { URGENCIES } from '../../contracts/ledgers/glossary-record.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns, oneLine } from '../output.ts'

const MISSION = { required: true, description: 'Directory name, slug or ULID' } as const
const SCOPE = `One of ${SCOPES.join(', ')}`

export class GlossaryObserveCommand extends KittiwakeCommand {
  protected override readonly threads = ['git'] as const

  static override paths = [['glossary', 'observe']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Glossary',
    description: 'Record that a term came up, and with a definition what it means',
    details: 'A definition goes into `.kittify/glossaries/SCOPE.yaml` before the command returns.',
    examples: [
      ['A term', 'kittiwake glossary observe workspace --mission login'],
      [
        'What it means',
        'kittiwake glossary observe workspace --mission login --definition "A git worktree"',
      ],
    ],
  })

  term = Option.String({ required: true, name: 'TERM' })
  mission = Option.String('--mission', MISSION)
  definition = Option.String('--definition', { description: 'What it means from now on' })
  scope = Option.String('--scope', { description: `${SCOPE}; default team_domain` })
  confidence = Option.String('--confidence', { description: 'From 0 to 1; default 1' })
  seenIn = Option.String('--context', { description: 'Where it was seen' })
  step = Option.String('--step', { description: 'The step in which it came up' })
  actor = Option.String('--actor', { description: 'Who saw it; default cli' })

  async run(): Promise<Result> {
    const { term, mission } = this
    const observed = await this.withRuntime((runtime) =>
      runtime.glossary.observe({
        term,
        mission,
        ...given({ definition: this.definition, context: this.seenIn }),
        ...given({ step: this.step, actor: this.actor }),
        ...given({ scope: scopeOption(this.scope) }),
        ...given({ confidence: confidenceOption(this.confidence) }),
      }),
    )
    const seed = observed.seed === null ? '' : `, ${changeText(observed.seed, observed.changed)}`
    return { fields: observed, text: `${oneLine(observed.term)}: observed${seed}` }
  }
}

export class GlossaryRequestCommand extends KittiwakeCommand {
  protected override readonly threads = ['git', 'store'] as const

  static override paths = [['glossary', 'request']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Glossary',
    description: 'Ask what a term means; the team is told',
    examples: [
      [
        'With two definitions to choose from',
        'kittiwake glossary request workspace --mission login --question "Which one?" --option "A git worktree" --option "A folder of an editor"',
      ],
    ],
  })

  term = Option.String({ required: true, name: 'TERM' })
  mission = Option.String('--mission', MISSION)
  question = Option.String('--question', { required: true, description: 'What is to be settled' })
  options = Option.Array('--option', [], { description: 'A definition; repeatable' })
  urgency = Option.String('--urgency', { description: 'low, medium or high; default medium' })
  scope = Option.String('--scope', { description: `${SCOPE}; default team_domain` })
  step = Option.String('--step', { description: 'The step that asks' })
  actor = Option.String('--actor', { description: 'Who asks; default cli' })

  async run(): Promise<Result> {
    const { term, mission, question, options } = this
    const asked = await this.withRuntime((runtime) =>
      runtime.glossary.request({
        term,
        mission,
        question,
        options,
        ...given({ step: this.step, actor: this.actor }),
        ...given({ scope: scopeOption(this.scope), urgency: urgencyOption(this.urgency) }),
      }),
    )
    return { fields: asked, text: `${oneLine(asked.term)}: asked as ${asked.conflict_id}` }
  }
}

export class GlossaryResolveCommand extends KittiwakeCommand {
  protected override readonly threads = ['git', 'store'] as const

  static override paths = [['glossary', 'resolve']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Glossary',
    description: 'Settle what a term means; the team is told',
    details:
      'The definition is in `.kittify/glossaries/SCOPE.yaml` when the command returns. The same resolution again is the same one; another one is refused.',
    examples: [
      ['The first definition', 'kittiwake glossary resolve ID --mission login --select 1'],
      [
        'Another one',
        'kittiwake glossary resolve ID --mission login --definition "A git worktree"',
      ],
    ],
  })

  id = Option.String({ required: true, name: 'ID' })
  mission = Option.String('--mission', MISSION)
  select = Option.String('--select', { description: 'The number of the definition' })
  definition = Option.String('--definition', { description: 'A definition of its own' })
  scope = Option.String('--scope', { description: `${SCOPE}; default that of the request` })
  confidence = Option.String('--confidence', { description: 'From 0 to 1; default 1' })
  actor = Option.String('--actor', { description: 'Who settles it; default cli' })

  async run(): Promise<Result> {
    const settled = await this.withRuntime((runtime) =>
      runtime.glossary.resolve({
        conflict_id: this.id,
        mission: this.mission,
        ...given({ select: selectOption(this.select), definition: this.definition }),
        ...given({ scope: scopeOption(this.scope), actor: this.actor }),
        ...given({ confidence: confidenceOption(this.confidence) }),
      }),
    )
    const { term, definition, seed, changed } = settled
    const text = `${oneLine(term)}: ${oneLine(definition)}, ${changeText(seed, changed)}`
    return { fields: settled, text }
  }
}

export class GlossaryListCommand extends KittiwakeCommand {
  static override paths = [['glossary', 'list']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Glossary',
    description: 'List what terms mean, and what is still to be settled',
    details: 'Of several scopes the strongest counts; with `--scope` its own list is shown.',
    examples: [
      ['All of it', 'kittiwake glossary list'],
      ['What is open', 'kittiwake glossary list --open'],
    ],
  })

  mission = Option.String('--mission', {
    description: 'Clarifications of this mission; default all',
  })
  scope = Option.String('--scope', { description: SCOPE })
  open = Option.Boolean('--open', false, { description: 'Only clarifications that are open' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { readMission } = await import('../../project/missions/missions.ts')
    const { readGlossary } = await import('../../read-glossary.ts')
    const scope = scopeOption(this.scope) ?? null
    const repository = await locateRepository(this.context.cwd)
    const mission = this.mission === undefined ? null : await readMission(repository, this.mission)
    const { senses, clarifications, candidates, faults } = readGlossary(repository, {
      mission,
      scope,
    })
    for (const fault of faults.slice(0, FAULTS_SHOWN)) this.warn('GLOSSARY_FAULT', fault)
    const open = clarifications.filter(({ resolution }) => resolution === null)
    const shown = this.open ? [] : senses
    const lines = [
      columns(shown.map((one) => [one.surface, one.definition, `(${one.scope}, ${one.status})`])),
      ...open.map(({ term, question, conflict_id, options }) =>
        [
          `open: ${oneLine(term)}: ${oneLine(question)} (${conflict_id})`,
          ...options.map((option, at) => `  ${at + 1}. ${oneLine(option)}`),
        ].join('\n'),
      ),
    ].filter((line) => line !== '')
    return {
      fields: this.open
        ? { clarifications: open }
        : { senses, clarifications, candidates: candidates.slice(0, CANDIDATES_SHOWN) },
      text: lines.length === 0 ? 'No terms.' : lines.join('\n'),
    }
  }
}

export class GlossaryVerifyCommand extends KittiwakeCommand {
  static override paths = [['glossary', 'verify']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Glossary',
    description: 'Check glossary logs, and that the files hold what the logs say',
    details: `Reads only, but with \`--repair\`, which puts the last word of the logs into the files. Exit code ${EXIT.failed} says that something is wrong.`,
    examples: [
      ['All of it', 'kittiwake glossary verify'],
      ['In a clone without the files', 'kittiwake glossary verify --repair'],
    ],
  })

  repair = Option.Boolean('--repair', false, {
    description: 'Put what the logs say into the files',
  })

  override get safety(): Safety {
    return this.repair ? 'unsafe' : 'safe'
  }

  async run(): Promise<Result> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { checkGlossary, findingsOf } = await import('../../read-glossary.ts')
    const repository = await locateRepository(this.context.cwd)
    const repaired = this.repair ? await this.#replay() : []
    const check = checkGlossary(repository)
    const findings = findingsOf(check)
    const text = findings.length === 0 ? 'The glossary is in order.' : findings.map(oneLine)
    return {
      fields: { sound: findings.length === 0, repaired, ...check },
      text: [...repaired.map((scope) => `${scope}: repaired`), ...[text].flat()].join('\n'),
      exit: findings.length === 0 ? EXIT.ok : EXIT.failed,
    }
  }

  async #replay(): Promise<readonly Scope[]> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { replayGlossary } = await import('../../replay-glossary.ts')
    const { changed, warnings } = await replayGlossary(await locateRepository(this.context.cwd))
    for (const { code, message } of warnings) this.warn(code, message)
    return changed
  }
}

const FAULTS_SHOWN = 20
const CANDIDATES_SHOWN = 1_000

/** Without what was left away. */
function given<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> }
}

function scopeOption(text: string | undefined): Scope | undefined {
  const scope = SCOPES.find((one) => one === text)
  if (text === undefined || scope !== undefined) return scope
  throw new UsageError('SCOPE_UNKNOWN', `--scope is one of ${SCOPES.join(', ')}`)
}

function urgencyOption(text: string | undefined) {
  const urgency = URGENCIES.find((one) => one === text)
  if (text === undefined || urgency !== undefined) return urgency
  throw new UsageError('URGENCY_UNKNOWN', `--urgency is one of ${URGENCIES.join(', ')}`)
}

function confidenceOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^(?:[01](?:\.\d{0,9})?|\.\d{1,9})$/.test(text) && Number(text) <= 1) return Number(text)
  throw new UsageError('CONFIDENCE_INVALID', '--confidence is a number from 0 to 1')
}

function selectOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new UsageError('SELECT_INVALID', '--select is the number of a definition, from 1 on')
}

function changeText(seed: string, isChanged: boolean): string {
  return isChanged ? `${seed} is changed` : `${seed} says so already`
}
