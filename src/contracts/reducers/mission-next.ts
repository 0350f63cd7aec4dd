/** A run of a mission, step by step, with the decisions that it waits for. */
import type { Json, JsonObject } from '../json/json.ts'
import { decisionAnswered, decisionRequested } from './shapes.ts'
import type { Family, Input, Run } from './types.ts'
import { objectOf, textOf } from './values.ts'

/** Reserved: it has no payload and changes nothing. */
const PLANNED = 'NextStepPlanned'

export const missionNext: Family = {
  types: new Set([
    'MissionRunStarted',
    'NextStepIssued',
    'NextStepAutoCompleted',
    'DecisionInputRequested',
    'DecisionInputAnswered',
    'MissionRunCompleted',
    PLANNED,
  ]),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'run_id') || null),
  fold: (events, run) => {
    const missionRun = new MissionRun(run)
    for (const event of events) if (event.event_type !== PLANNED) missionRun.take(event)
    return missionRun.state()
  },
  reference: {
    countsForeign: false,
    anomaly: 'reason',
    hasLastEvent: true,
    strictByDefault: false,
  },
}

class MissionRun {
  readonly #run: Run
  readonly #issued = new Set<string>()
  readonly #completed = new Set<string>()
  readonly #pending = new Map<string, Json>()
  readonly #answered = new Map<string, Json>()
  #id: string | null = null
  #type: string | null = null
  #status: 'running' | 'completed' | null = null
  #step: string | null = null

  constructor(run: Run) {
    this.#run = run
  }

  take(event: Input): void {
    if (this.#status === 'completed') {
      const isAgain = event.event_type === 'MissionRunCompleted'
      const code = isAgain ? 'duplicate_completion' : 'event_after_terminal'
      this.#run.report(event, code, 'the run is completed')
    } else if (event.event_type === 'MissionRunStarted') this.#start(event)
    else if (this.#id === null) {
      this.#run.report(event, 'event_before_start', 'no MissionRunStarted stands before it')
    } else this.#advance(event, this.#id)
  }

  state(): JsonObject {
    return {
      run_id: this.#id,
      mission_type: this.#type,
      run_status: this.#status,
      current_step_id: this.#step,
      completed_steps: [...this.#completed],
      pending_decisions: objectOf(this.#pending, (payload) => payload),
      answered_decisions: objectOf(this.#answered, (payload) => payload),
    }
  }

  #start(event: Input): void {
    if (this.#id !== null) {
      this.#run.report(event, 'duplicate_start', 'the run is started already; the first counts')
      return
    }
    const payload = this.#run.parse(event)
    if (payload === null) return
    this.#id = textOf(payload, 'run_id')
    this.#type = textOf(payload, 'mission_type')
    this.#status = 'running'
  }

  #advance(event: Input, id: string): void {
    const payload = this.#run.parse(event)
    if (payload === null) return
    const runId = textOf(payload, 'run_id')
    if (runId !== id) {
      this.#run.report(event, 'run_mismatch', `of the run ${runId}, not ${id}`, { path: 'run_id' })
      return
    }
    switch (event.event_type) {
      case 'NextStepIssued':
        this.#step = textOf(payload, 'step_id')
        this.#issued.add(this.#step)
        return
      case 'NextStepAutoCompleted':
        return this.#complete(event, textOf(payload, 'step_id'))
      case 'DecisionInputRequested':
        return this.#ask(event, payload)
      case 'DecisionInputAnswered':
        return this.#answer(event, payload)
      default:
        return this.#end(event, payload)
    }
  }

  #complete(event: Input, step: string): void {
    if (!this.#run.reference && !this.#issued.has(step)) {
      this.#run.report(event, 'unknown_step', `${step} was never issued`, { path: 'step_id' })
      return
    }
    this.#completed.add(step)
    if (this.#step === step) this.#step = null
  }

  #ask(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'decision_id')
    if (this.#pending.has(id)) {
      this.#run.report(event, 'duplicate_decision_id', `${id} waits for its answer already`)
    } else this.#pending.set(id, decisionRequested(payload))
  }

  #answer(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'decision_id')
    const isKnown = this.#pending.has(id) || this.#answered.has(id)
    if (!this.#run.reference && !isKnown) {
      this.#run.report(event, 'unknown_decision', `${id} was never asked`, { path: 'decision_id' })
      return
    }
    this.#pending.delete(id)
    this.#answered.set(id, decisionAnswered(payload))
  }

  #end(event: Input, payload: JsonObject): void {
    const type = textOf(payload, 'mission_type')
    if (!this.#run.reference && type !== this.#type) {
      const detail = `completes ${type}, but ${this.#type ?? ''} was started`
      this.#run.report(event, 'mission_type_mismatch', detail, { path: 'mission_type' })
    }
    this.#status = 'completed'
  }
}
