/** The glossary: what terms mean, asked and settled. All of it is in the mission's log; of clarifications the team is told too. */
import type { Draft, Route } from './contracts/event.ts'
import type { Clarification } from './contracts/ledgers/fold-glossary.ts'
import { foldGlossary } from './contracts/ledgers/fold-glossary.ts'
import type {
  ClarificationRecord,
  GlossaryRecord,
  ResolutionRecord,
} from './contracts/ledgers/glossary-record.ts'
import { normalSurface } from './contracts/ledgers/glossary-sense.ts'
import type { Scope } from './contracts/ledgers/glossary-sense.ts'
import type { Emitter } from './emitter.ts'
import type { Parts } from './parts.ts'
import { InputError, KittiwakeError } from './errors.ts'
import { isoMicroseconds } from './events/stamp.ts'
import { checkFact, checkObservation, checkRequest, checkResolution } from './glossary-input.ts'
import type {
  ClarificationRequest,
  ClarificationResolution,
  GlossaryFact,
  TermObservation,
} from './glossary-input.ts'
import { actorOf, CLI_ACTOR, provenanceOf, senseOf, senseRow } from './glossary-rows.ts'
import type { Healing } from './healing.ts'
import { seedName } from './project/glossary-seed.ts'
import { requireIdentity } from './project/identity.ts'
import { readMission } from './project/missions/missions.ts'
import type { Mission } from './project/types.ts'
import { conflictUnknown } from './workers/git/ledgers/glossary-errors.ts'
import { readGlossaryLogs } from './workers/git/logs/glossary-log.ts'
import type { Glossed } from './workers/git/protocol.ts'

export type Observed = {
  readonly event_id: string
  /** As it is spelled in the log and the file. */
  readonly term: string
  /** The scope's file, relative to the repository; null without a definition. */
  readonly seed: string | null
  /** Whether the file had to be changed. */
  readonly changed: boolean
}

export type ClarificationAsked = {
  readonly conflict_id: string
  readonly event_id: string
  readonly term: string
  /** How its event left this process; null where the outbox takes it later. */
  readonly route: Route | null
}

export type ClarificationSettled = {
  /** Of the first resolution, where it says the same. */
  readonly event_id: string
  readonly conflict_id: string
  readonly term: string
  readonly definition: string
  readonly scope: Scope
  readonly seed: string
  readonly changed: boolean
  /** False: it was resolved so already. */
  readonly recorded: boolean
  readonly route: Route | null
}

/**
 * Each throws ProjectError NO_IDENTITY, CONFIG_UNUSABLE, MISSION_NOT_FOUND, MISSION_AMBIGUOUS, MISSION_UNREADABLE, PATH_REFUSED;
 * SanitizeError; GitError; RuntimeError WORKER_FAILED, RUNTIME_STOPPED; InputError GLOSSARY_INVALID.
 */
export type Glossary = {
  /** @throws GitError GLOSSARY_SEED_UNUSABLE */
  observe(observation: TermObservation): Promise<Observed>
  request(request: ClarificationRequest): Promise<ClarificationAsked>
  /** @throws GitError GLOSSARY_CONFLICT_UNKNOWN, GLOSSARY_ALREADY_RESOLVED, GLOSSARY_SEED_UNUSABLE; InputError GLOSSARY_CHOICE, GLOSSARY_OPTION_UNKNOWN */
  resolve(resolution: ClarificationResolution): Promise<ClarificationSettled>
  /** What only the log keeps: checks, blocks, checkpoints, scopes, strictness. */
  record(fact: GlossaryFact): Promise<{ readonly event_id: string }>
}

const DEFAULT_SCOPE: Scope = 'team_domain'
const MANUAL = 'manual'

type Place = { readonly mission: Mission; readonly timestamp: string }
type Recorded = Glossed & { readonly route: Route | null }

export function createGlossary(
  parts: Parts & {
    readonly emitter: Pick<Emitter, 'prepare' | 'record'>
    readonly heal: Healing['heal']
    readonly onRecorded: () => void
  },
): Glossary {
  const { system, repository, sanitizer, emitter } = parts
  const clean = <Input>(check: (value: unknown) => Input, input: Input): Input =>
    check(sanitizer.sanitize(check(input)).value)

  const observe: Glossary['observe'] = async (input) => {
    const observation = clean(checkObservation, input)
    const { mission, timestamp } = await open(observation.mission)
    const { definition, confidence = 1, context = '' } = observation
    const actor = actorOf(observation.actor)
    const term = normalSurface(observation.term)
    const candidate: GlossaryRecord = {
      event_id: parts.newId(),
      event_type: 'TermCandidateObserved',
      timestamp,
      term,
      source_step: observation.step ?? MANUAL,
      actor_id: actor.actor_id,
      confidence,
      extraction_method: MANUAL,
      context,
      mission_id: mission.mission_id,
      run_id: observation.run ?? CLI_ACTOR,
    }
    const scope = observation.scope ?? DEFAULT_SCOPE
    const records =
      definition === undefined
        ? [candidate]
        : [
            candidate,
            senseRow(parts.newId(), timestamp, senseOf(term, scope, definition, confidence), actor),
          ]
    const { event_id, changed } = await record(mission, records, null)
    return { event_id, term, seed: definition === undefined ? null : seedName(scope), changed }
  }

  const request: Glossary['request'] = async (input) => {
    const asked = clean(checkRequest, input)
    const { mission, timestamp } = await open(asked.mission)
    const conflict_id = parts.newId()
    const term = normalSurface(asked.term)
    const id = parts.newId()
    const row: ClarificationRecord = {
      event_id: id,
      event_type: 'GlossaryClarificationRequested',
      timestamp,
      question: asked.question,
      term,
      options: (asked.options ?? []).map((option) => option.trim()),
      urgency: asked.urgency ?? 'medium',
      mission_id: mission.mission_id,
      run_id: asked.run ?? CLI_ACTOR,
      step_id: asked.step ?? MANUAL,
      conflict_id,
      // By its check the wire contract counts what is open, and takes three of one.
      semantic_check_event_id: asked.semantic_check_event_id ?? id,
      scope_id: asked.scope ?? DEFAULT_SCOPE,
    }
    const { event_id: _, event_type, timestamp: __, ...fields } = row
    const payload = { ...fields, actor: actorOf(asked.actor).actor_id }
    const draft = { event_type, mission: mission.directory, payload }
    const { event_id, route } = await record(mission, [row], draft)
    return { conflict_id, event_id, term, route }
  }

  const resolve: Glossary['resolve'] = async (input) => {
    const wanted = clean(checkResolution, input)
    const { mission, timestamp } = await open(wanted.mission)
    const asked = clarificationOf(mission, wanted.conflict_id)
    const scope = wanted.scope ?? asked.scope ?? DEFAULT_SCOPE
    // The log is others' text too: what comes out of it is cleaned like what comes in.
    const found = { term: asked.term, definition: definitionFor(wanted, asked) }
    const { term, definition } = sanitizer.sanitize(found).value as typeof found
    const sense = senseOf(normalSurface(term), scope, definition, wanted.confidence ?? 1)
    const actor = actorOf(wanted.actor)
    const { status: _, ...selected_sense } = sense
    const row: ResolutionRecord = {
      event_id: parts.newId(),
      event_type: 'GlossaryClarificationResolved',
      timestamp,
      conflict_id: asked.conflict_id,
      term_surface: sense.surface,
      selected_sense,
      actor,
      resolution_mode: 'interactive',
      provenance: provenanceOf(actor, timestamp),
    }
    const payload = {
      mission_id: mission.mission_id,
      clarification_event_id: asked.event_id ?? asked.conflict_id,
      conflict_id: asked.conflict_id,
      scope_id: scope,
      term: sense.surface,
      selected_meaning: sense.definition,
      actor: actor.actor_id,
    }
    const draft = { event_type: row.event_type, mission: mission.directory, payload }
    const isCustom = wanted.select === undefined
    const records = isCustom ? [senseRow(parts.newId(), timestamp, sense, actor), row] : [row]
    const { event_id, changed, route } = await record(mission, records, draft)
    return {
      event_id,
      conflict_id: asked.conflict_id,
      term: sense.surface,
      definition: sense.definition,
      scope,
      seed: seedName(scope),
      changed,
      recorded: event_id === row.event_id,
      route,
    }
  }

  const tell: Glossary['record'] = async (input) => {
    const fact = clean(checkFact, input)
    const { mission, timestamp } = await open(fact.mission)
    const row = {
      ...fact.fields,
      ...(fact.run === undefined ? {} : { run_id: fact.run }),
      ...(fact.step === undefined ? {} : { step_id: fact.step }),
      mission_id: mission.mission_id,
      event_id: parts.newId(),
      event_type: fact.event_type,
      timestamp,
    }
    const { event_id } = await record(mission, [row], null)
    return { event_id }
  }

  /** In the log when it returns, and in the scope's file; `draft` is what the team is told of the last row. */
  async function record(
    { directory }: Mission,
    records: readonly GlossaryRecord[],
    draft: Draft | null,
  ): Promise<Recorded> {
    const last = records.at(-1)
    const events: { event_id: string; event: Awaited<ReturnType<Emitter['prepare']>> }[] = []
    if (draft !== null && last !== undefined) {
      const event = await emitter.prepare(draft, last.event_id, last.timestamp)
      events.push({ event_id: last.event_id, event })
    }
    const command = { type: 'git.gloss' as const, mission: directory, entry: { records, events } }
    const glossed = await system.git.ask(command, 'git.glossed')
    // Where another row said the same before, its own event was on its way then.
    const own = events.filter(({ event_id }) => event_id === glossed.event_id)
    return { ...glossed, route: await queue(own.map(({ event }) => event)) }
  }

  async function queue(events: readonly Parameters<Emitter['record']>[0][]): Promise<Route | null> {
    let route: Route | null = null
    if (events.length === 0) return route
    try {
      const event_ids: string[] = []
      for (const event of events) {
        const receipt = await emitter.record(event)
        event_ids.push(receipt.event_id)
        route = receipt.route
      }
      await system.git.ask({ type: 'git.forget', event_ids }, 'git.forgotten')
      parts.onRecorded()
    } catch (error) {
      if (!(error instanceof KittiwakeError)) throw error
      // It is in the log; what it is noted as brings it into the outbox later.
      const message = `the clarification is recorded, but its event waits to be queued: ${error.message}`
      parts.listeners.tell('warning', { code: error.code, message })
    }
    return route
  }

  function clarificationOf({ directory }: Mission, conflictId: string): Clarification {
    const { logs } = readGlossaryLogs(repository.root, directory)
    const rows = logs.flatMap((log) => log.rows)
    const found = foldGlossary(new Map(), rows).clarifications.get(conflictId)
    if (found === undefined) throw conflictUnknown()
    return found
  }

  async function open(reference: string): Promise<Place> {
    await requireIdentity(repository)
    const mission = await readMission(repository, reference)
    await parts.heal()
    return { mission, timestamp: isoMicroseconds(parts.clock.now()) }
  }

  return { observe, request, resolve, record: tell }
}

/** @throws InputError GLOSSARY_CHOICE, GLOSSARY_OPTION_UNKNOWN */
function definitionFor(wanted: ClarificationResolution, { options }: Clarification): string {
  const { select, definition } = wanted
  if (definition !== undefined && select === undefined) return definition
  if (select === undefined || definition !== undefined) {
    throw new InputError('GLOSSARY_CHOICE', 'either an option or a definition is expected', {
      hint: 'Give `--select N`, or `--definition D`.',
    })
  }
  const option = options[select - 1]
  if (option === undefined || option.trim() === '') {
    throw new InputError(
      'GLOSSARY_OPTION_UNKNOWN',
      'the clarification has no option of this number',
      {
        hint: 'See `kittiwake glossary list --open`, or give `--definition D`.',
      },
    )
  }
  return option
}
