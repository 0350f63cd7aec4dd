/** The terms of a mission: scopes, candidates, senses, checks and what has to be clarified. */
import type { Json, JsonObject } from '../json/json.ts'
import {
  generationBlock,
  scopeActivated,
  semanticCheck,
  senseUpdated,
  strictnessSet,
  termCandidate,
} from './shapes.ts'
import type { Family, Input, Run } from './types.ts'
import { entry, objectOf, textOf, textsOf } from './values.ts'

/** Questions about one check that may be open at once. */
const OPEN_MAX = 3

type Take = (book: Book, event: Input, payload: JsonObject) => void

const TAKE_BY_TYPE: ReadonlyMap<string, Take> = new Map<string, Take>([
  ['GlossaryScopeActivated', (book, _, payload) => book.activate(payload)],
  ['GlossaryStrictnessSet', (book, _, payload) => book.tighten(payload)],
  ['TermCandidateObserved', (book, event, payload) => book.observe(event, payload)],
  ['GlossarySenseUpdated', (book, event, payload) => book.update(event, payload)],
  ['SemanticCheckEvaluated', (book, event, payload) => book.check(event, payload)],
  ['GlossaryClarificationRequested', (book, event, payload) => book.ask(event, payload)],
  ['GlossaryClarificationResolved', (book, event, payload) => book.resolve(event, payload)],
  ['GenerationBlockedBySemanticConflict', (book, event, payload) => book.block(event, payload)],
])

export const glossary: Family = {
  types: new Set(TAKE_BY_TYPE.keys()),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'mission_id') || null),
  fold: foldGlossary,
  reference: {
    countsForeign: false,
    anomaly: 'reason',
    hasLastEvent: true,
    strictByDefault: true,
  },
}

function foldGlossary(events: readonly Input[], run: Run): JsonObject {
  const book = new Book(run)
  for (const event of events) {
    const payload = parseOrRefuse(event, run)
    TAKE_BY_TYPE.get(event.event_type)?.(book, event, payload)
  }
  return { mission_id: missionOf(events[0]), ...book.state() }
}

// The reference throws here, whatever its mode.
function parseOrRefuse(event: Input, run: Run): JsonObject {
  const payload = run.parse(event)
  if (payload !== null) return payload
  return run.refuse(event, 'malformed_payload', 'the payload is not valid', 'ValidationError')
}

function missionOf(event: Input | undefined): string {
  const id = event?.payload['mission_id'] ?? ''
  return typeof id === 'string' ? id : JSON.stringify(id)
}

type Clarification = {
  readonly request_event_id: string
  readonly semantic_check_event_id: string
  readonly term: string
  resolution_event_id: string | null
}

class Book {
  readonly #run: Run
  readonly #scopes = new Map<string, Json>()
  readonly #strictnesses: Json[] = []
  readonly #candidates = new Map<string, Map<string, Json[]>>()
  readonly #senses = new Map<string, Map<string, Json>>()
  readonly #checkIds = new Set<string>()
  readonly #checks: Json[] = []
  readonly #clarifications = new Map<string, Clarification>()
  readonly #openByCheck = new Map<string, number>()
  readonly #blocks: Json[] = []
  #strictness = 'medium'

  constructor(run: Run) {
    this.#run = run
  }

  activate(payload: JsonObject): void {
    this.#scopes.set(textOf(payload, 'scope_id'), scopeActivated(payload))
  }

  tighten(payload: JsonObject): void {
    this.#strictness = textOf(payload, 'new_strictness')
    this.#strictnesses.push(strictnessSet(payload))
  }

  observe(event: Input, payload: JsonObject): void {
    this.#checkScope(event, payload)
    const terms = entry(this.#candidates, textOf(payload, 'scope_id'), () => new Map())
    entry(terms, textOf(payload, 'term_surface'), () => []).push(termCandidate(payload))
  }

  update(event: Input, payload: JsonObject): void {
    this.#checkScope(event, payload)
    const scope = textOf(payload, 'scope_id')
    const term = textOf(payload, 'term_surface')
    if (this.#candidates.get(scope)?.has(term) !== true) {
      this.#run.challenge(event, 'unknown_term', `${term} was never observed in ${scope}`)
    }
    entry(this.#senses, scope, () => new Map()).set(term, senseUpdated(payload))
  }

  check(event: Input, payload: JsonObject): void {
    this.#checkScope(event, payload)
    this.#checkStrictness(event, textOf(payload, 'effective_strictness'), 'effective_strictness')
    this.#checkIds.add(event.event_id)
    this.#checks.push(semanticCheck(payload))
  }

  ask(event: Input, payload: JsonObject): void {
    this.#checkScope(event, payload)
    const check = textOf(payload, 'semantic_check_event_id')
    if (!this.#checkIds.has(check)) {
      this.#run.challenge(event, 'unknown_check', `no check ${check} is known`)
      return
    }
    const open = this.#openByCheck.get(check) ?? 0
    if (open >= OPEN_MAX) {
      this.#run.challenge(event, 'too_many_open', `${OPEN_MAX} questions about ${check} are open`)
      return
    }
    this.#openByCheck.set(check, open + 1)
    this.#clarifications.set(event.event_id, {
      request_event_id: event.event_id,
      semantic_check_event_id: check,
      term: textOf(payload, 'term'),
      resolution_event_id: null,
    })
  }

  resolve(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'clarification_event_id')
    const asked = this.#clarifications.get(id)
    if (asked === undefined) {
      this.#run.challenge(event, 'unknown_clarification', `nothing was asked by ${id}`)
      return
    }
    if (asked.resolution_event_id === null) {
      const check = asked.semantic_check_event_id
      this.#openByCheck.set(check, (this.#openByCheck.get(check) ?? 1) - 1)
    }
    asked.resolution_event_id = event.event_id
  }

  block(event: Input, payload: JsonObject): void {
    if (!this.#run.reference) this.#verifyBlock(event, payload)
    this.#blocks.push(generationBlock(payload))
  }

  state(): JsonObject {
    return {
      active_scopes: objectOf(this.#scopes, (scope) => scope),
      current_strictness: this.#strictness,
      strictness_history: this.#strictnesses,
      term_candidates: objectOf(this.#candidates, (terms) => objectOf(terms, (list) => list)),
      term_senses: objectOf(this.#senses, (terms) => objectOf(terms, (sense) => sense)),
      clarifications: [...this.#clarifications.values()].map((asked) => ({
        ...asked,
        resolved: asked.resolution_event_id !== null,
      })),
      semantic_checks: this.#checks,
      generation_blocks: this.#blocks,
    }
  }

  #checkScope(event: Input, payload: JsonObject): void {
    const scope = textOf(payload, 'scope_id')
    if (!this.#scopes.has(scope)) {
      this.#run.challenge(event, 'scope_not_active', `the scope ${scope} is not active`)
    }
  }

  #checkStrictness(event: Input, claimed: string, path: string): void {
    if (this.#run.reference || claimed === this.#strictness) return
    const detail = `says ${claimed} where ${this.#strictness} holds`
    this.#run.report(event, 'strictness_mismatch', detail, { path })
  }

  #verifyBlock(event: Input, payload: JsonObject): void {
    this.#checkStrictness(event, textOf(payload, 'blocking_strictness'), 'blocking_strictness')
    for (const id of textsOf(payload, 'conflict_event_ids')) {
      if (this.#checkIds.has(id)) continue
      const path = 'conflict_event_ids'
      this.#run.report(event, 'unknown_check', `no check ${id} is known`, { path })
    }
  }
}
