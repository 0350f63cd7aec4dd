/** Decisions: asked and answered in the ledger, and each answer committed before it is called recorded. */
import { z } from 'zod'
import type { Actor, AnsweredRecord, RequestedRecord } from './contracts/ledgers/decision-record.ts'
import { checkInput } from './checked-input.ts'
import type { Commits } from './commits.ts'
import { InputError } from './errors.ts'
import type { Parts } from './parts.ts'
import { isoMicroseconds } from './events/stamp.ts'
import type { Healing } from './healing.ts'
import { readMission } from './project/missions/missions.ts'
import type { Mission } from './project/types.ts'
import { requireIdentity } from './project/identity.ts'

export type DecisionRequest = {
  /** Directory name, slug or ULID. */
  readonly mission: string
  readonly question: string
  readonly options?: readonly string[]
  readonly step?: string
  readonly input_key?: string
  readonly run?: string
  readonly actor?: Actor
}

export type DecisionAnswer = {
  readonly mission: string
  readonly decision_id: string
  readonly answer: string
  readonly actor?: Actor
}

export type Requested = { readonly decision_id: string; readonly event_id: string }

export type Answered = {
  readonly event_id: string
  readonly decision_id: string
  /** False: the answer is durable in the log, but its commit is deferred for `deferred_reason`. */
  readonly committed: boolean
  readonly commit: string | null
  readonly deferred_reason: string | null
}

/**
 * Each throws ProjectError NO_IDENTITY, CONFIG_UNUSABLE, MISSION_NOT_FOUND, MISSION_AMBIGUOUS, MISSION_UNREADABLE, PATH_REFUSED;
 * SanitizeError; GitError; RuntimeError WORKER_FAILED, RUNTIME_STOPPED; InputError DECISION_INVALID.
 */
export type Decisions = {
  request(request: DecisionRequest): Promise<Requested>
  /** @throws GitError DECISION_UNKNOWN, DECISION_ALREADY_ANSWERED */
  answer(answer: DecisionAnswer): Promise<Answered>
}

const TEXT_MAX = 64 * 1024
const OPTIONS_MAX = 64
const text = z.string().min(1).max(TEXT_MAX)
const name = z.string().min(1).max(256)
const actor = z.strictObject({
  actor_id: name,
  actor_type: z.enum(['human', 'llm', 'service']),
  display_name: z.string().max(256).optional(),
  provider: z.string().max(256).nullable().optional(),
  model: z.string().max(256).nullable().optional(),
  tool: z.string().max(256).nullable().optional(),
})
const requestSchema = z.strictObject({
  mission: name,
  question: text,
  options: z.array(text).max(OPTIONS_MAX).optional(),
  step: name.optional(),
  input_key: name.optional(),
  run: name.optional(),
  actor: actor.optional(),
})
const answerSchema = z.strictObject({
  mission: name,
  decision_id: name,
  answer: text,
  actor: actor.optional(),
})

const CLI_ACTOR: Actor = { actor_id: 'cli', actor_type: 'human' }

export function createDecisions(
  parts: Parts & {
    readonly commits: Commits
    readonly heal: Healing['heal']
    readonly onRecorded: () => void
  },
): Decisions {
  const { system, repository, sanitizer, commits } = parts

  const request = async (input: DecisionRequest): Promise<Requested> => {
    const clean = parse(requestSchema, sanitizer.sanitize(parse(requestSchema, input)).value)
    const { mission, base } = await open(clean.mission)
    const record: RequestedRecord = {
      ...base,
      event_type: 'DecisionInputRequested',
      payload: {
        run_id: clean.run ?? 'cli',
        decision_id: parts.newId(),
        step_id: clean.step ?? 'manual',
        question: clean.question,
        options: clean.options ?? [],
        input_key: clean.input_key ?? null,
        actor: (clean.actor as Actor | undefined) ?? CLI_ACTOR,
      },
    }
    const appended = await system.git.ask(
      { type: 'git.request', mission: mission.directory, record },
      'git.appended',
    )
    return { decision_id: record.payload.decision_id, event_id: appended.event_id }
  }

  const answer = async (input: DecisionAnswer): Promise<Answered> => {
    const clean = parse(answerSchema, sanitizer.sanitize(parse(answerSchema, input)).value)
    const { mission, base } = await open(clean.mission)
    const record: AnsweredRecord = {
      ...base,
      event_type: 'DecisionInputAnswered',
      payload: {
        // The ledger puts the request's own run here.
        run_id: 'cli',
        decision_id: clean.decision_id,
        answer: clean.answer,
        actor: (clean.actor as Actor | undefined) ?? CLI_ACTOR,
      },
    }
    const appended = await system.git.ask(
      { type: 'git.answer', mission: mission.directory, record },
      'git.appended',
    )
    const settled = await commits.commit(mission.directory, 'decisions')
    const located = settled.commit === null ? null : locate(mission, appended.event_id)
    // The link does not wait for that answer, and its own question comes behind: who asks here is not kept longer.
    parts.onRecorded()
    const commit = await located
    return {
      event_id: appended.event_id,
      decision_id: clean.decision_id,
      committed: settled.deferral === null,
      commit: commit ?? settled.commit,
      deferred_reason: settled.deferral?.reason ?? null,
    }
  }

  /** Another process may have committed the answer with its own, and somebody else's commits may have followed. */
  async function locate({ directory }: Mission, event_id: string): Promise<string | null> {
    const command = { type: 'git.locate' as const, mission: directory, event_id }
    return system.git.ask(command, 'git.located').then(
      ({ commit }) => commit,
      // What is asked is which commit; that there is one is certain.
      () => null,
    )
  }

  async function open(reference: string): Promise<{ mission: Mission; base: RecordBase }> {
    const identity = await requireIdentity(repository)
    const mission = await readMission(repository, reference)
    await parts.heal()
    return {
      mission,
      base: {
        at: isoMicroseconds(parts.clock.now()),
        build_id: identity.build_id,
        event_id: parts.newId(),
        mission_id: mission.mission_id,
      },
    }
  }

  return { request, answer }
}

type RecordBase = {
  readonly at: string
  readonly build_id: string
  readonly event_id: string
  readonly mission_id: string
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  return checkInput(schema, value, (why) => {
    const hint = 'See `kittiwake decision request --help` and `kittiwake decision answer --help`.'
    return new InputError('DECISION_INVALID', `this can't be asked of a decision: ${why}`, { hint })
  })
}
