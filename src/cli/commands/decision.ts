import { Option } from 'clipanion'
import { EXIT } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { oneLine } from '../output.ts'

export class DecisionRequestCommand extends KittiwakeCommand {
  protected override readonly threads = ['git'] as const

  static override paths = [['decision', 'request']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Decisions',
    description: "Ask a decision; it is appended to the mission's log",
    examples: [
      ['A question', 'kittiwake decision request --mission login --question "Which store?"'],
    ],
  })

  mission = Option.String('--mission', {
    required: true,
    description: 'Directory name, slug or ULID',
  })
  question = Option.String('--question', { required: true, description: 'What is asked' })
  options = Option.Array('--option', [], { description: 'A possible answer; repeatable' })
  step = Option.String('--step', { description: 'Step id; default manual' })
  inputKey = Option.String('--input-key', { description: 'Key of the asked input' })
  // No name of its own: `run` is the method.
  runId = Option.String('--run', { description: 'Run id; default cli' })
  actor = Option.String('--actor', { description: 'Who asks; default cli' })
  // Before the request, whatever is deferred was tried.
  protected override readonly healsDeferred = false

  async run(): Promise<Result> {
    const requested = await this.withRuntime((runtime) =>
      runtime.decisions.request({
        mission: this.mission,
        question: this.question,
        options: this.options,
        ...(this.step === undefined ? {} : { step: this.step }),
        ...(this.inputKey === undefined ? {} : { input_key: this.inputKey }),
        ...(this.runId === undefined ? {} : { run: this.runId }),
        ...actorOf(this.actor),
      }),
    )
    return { fields: requested, text: `Asked: decision ${requested.decision_id}` }
  }
}

export class DecisionAnswerCommand extends KittiwakeCommand {
  protected override readonly threads = ['git'] as const

  static override paths = [['decision', 'answer']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Decisions',
    description: 'Answer a decision; the answer is committed to the mission branch',
    details: `Exit code ${EXIT.deferred} says that the answer is recorded but its commit is deferred.`,
    examples: [['An answer', 'kittiwake decision answer 01… --mission login --answer SQLite']],
  })

  // The answer has just tried to commit; a second wait for the same lock would help nobody.
  protected override readonly healsDeferred = false

  id = Option.String({ required: true, name: 'ID' })
  mission = Option.String('--mission', {
    required: true,
    description: 'Directory name, slug or ULID',
  })
  answer = Option.String('--answer', { required: true, description: 'The answer' })
  actor = Option.String('--actor', { description: 'Who answers; default cli' })

  async run(): Promise<Result> {
    const { answered, message } = await this.withRuntime(async (runtime) => {
      let why: string | null = null
      runtime.on('deferred', (deferral) => (why = deferral.message))
      const given = await runtime.decisions.answer({
        mission: this.mission,
        decision_id: this.id,
        answer: this.answer,
        ...actorOf(this.actor),
      })
      return { answered: given, message: why as string | null }
    })
    if (!answered.committed) {
      this.warn(
        'COMMIT_DEFERRED',
        `recorded, but the commit is deferred (${answered.deferred_reason}): ${message}`,
      )
    }
    return {
      fields: answered,
      text: answered.committed
        ? `Answered: ${answered.decision_id}, commit ${answered.commit}`
        : `Answered: ${answered.decision_id}, commit deferred (${answered.deferred_reason})`,
      exit: answered.committed ? EXIT.ok : EXIT.deferred,
    }
  }
}

export class DecisionListCommand extends KittiwakeCommand {
  static override paths = [['decision', 'list']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Decisions',
    description: "List a mission's decisions, those without an answer too",
    details:
      'As its log stands here, whether it is committed or not; `decision log` shows what git holds.',
    examples: [
      ['All of a mission', 'kittiwake decision list --mission login'],
      ['What waits for an answer', 'kittiwake decision list --mission login --open'],
    ],
  })

  mission = Option.String('--mission', {
    required: true,
    description: 'Directory name, slug or ULID',
  })
  isOpen = Option.Boolean('--open', false, { description: 'Only those without an answer' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { readMission } = await import('../../project/missions/missions.ts')
    const { listDecisions } = await import('../../workers/git/logs/list-decisions.ts')
    const repository = await locateRepository(this.context.cwd)
    const mission = await readMission(repository, this.mission)
    const { decisions, skipped } = await listDecisions(repository, mission)
    this.warnOfLines(skipped)
    const listed = decisions.filter(({ answer }) => !this.isOpen || answer === null)
    const lines = listed.map(({ decision_id, question, options, answer, answered_at }) => {
      const choice = options.length === 0 ? '' : ` (${options.map(oneLine).join(', ')})`
      const state = answer === null ? 'open' : `${oneLine(answer)}  (${answered_at})`
      return `${oneLine(decision_id)}  ${oneLine(question)}${choice}\n  ${state}`
    })
    return {
      fields: { mission: mission.directory, decisions: listed, skipped },
      text: lines.length === 0 ? 'No decisions.' : lines.join('\n'),
    }
  }
}

export class DecisionLogCommand extends KittiwakeCommand {
  static override paths = [['decision', 'log']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Decisions',
    description: "Show a mission's decisions from git objects alone",
    details: 'Works in any clone: no configuration and no state of this machine is read.',
    examples: [
      ["A mission's decisions", 'kittiwake decision log --mission login'],
      ['As a remote has them', 'kittiwake decision log --mission login --ref origin/main'],
    ],
  })

  mission = Option.String('--mission', {
    required: true,
    description: 'Directory name, slug or ULID',
  })
  ref = Option.String('--ref', { description: 'A branch, remote-tracking branch or full ref' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { locateGitDirectory } = await import('../../project/git/locate.ts')
    const { readDecisionLog } = await import('../../workers/git/logs/decision-log.ts')
    const commonDir = await locateGitDirectory(this.context.cwd)
    const log = await readDecisionLog({
      commonDir,
      mission: this.mission,
      ...(this.ref === undefined ? {} : { ref: this.ref }),
    })
    this.warnOfLines(log.skipped)
    const lines = log.decisions.map(
      (decision) =>
        `${oneLine(decision.decision_id)}  ${oneLine(decision.question)}\n  ${
          decision.answer === null
            ? 'not answered'
            : `${oneLine(decision.answer)}  (${decision.answered_at}, ${decision.commit?.slice(0, 12) ?? 'its commit is not in this clone'})`
        }`,
    )
    return {
      fields: { ref: log.ref, decisions: log.decisions, skipped: log.skipped },
      text: lines.length === 0 ? 'No decisions.' : lines.join('\n'),
    }
  }
}

function actorOf(id: string | undefined) {
  return id === undefined ? {} : { actor: { actor_id: id, actor_type: 'human' as const } }
}
