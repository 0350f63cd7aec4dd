/** One connector: its state, how healthy it was found, and who is connected through it. */
import { byCodePoint } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { Family, Input, Run } from './types.ts'
import { textOf, writtenTime } from './values.ts'

type State = 'provisioned' | 'healthy' | 'degraded' | 'revoked' | 'reconnected'

const HEALTH_CHECKED = 'ConnectorHealthChecked'

const STATE_BY_TYPE: ReadonlyMap<string, State> = new Map<string, State>([
  ['ConnectorProvisioned', 'provisioned'],
  [HEALTH_CHECKED, 'healthy'],
  ['ConnectorDegraded', 'degraded'],
  ['ConnectorRevoked', 'revoked'],
  ['ConnectorReconnected', 'reconnected'],
])
const CONNECTED = 'UserConnected'
const DISCONNECTED = 'UserDisconnected'

const MOVES: Readonly<Record<State | 'none', readonly State[]>> = {
  none: ['provisioned'],
  provisioned: ['healthy', 'degraded', 'revoked'],
  healthy: ['degraded', 'revoked'],
  degraded: ['healthy', 'revoked', 'reconnected'],
  revoked: ['reconnected'],
  reconnected: ['healthy', 'degraded', 'revoked'],
}

export const connector: Family = {
  types: new Set([...STATE_BY_TYPE.keys(), CONNECTED, DISCONNECTED]),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'connector_id') || null),
  fold: (events, run) => {
    const found = new Connector(run)
    for (const event of events) found.take(event)
    return found.state()
  },
  reference: { countsForeign: true, anomaly: 'kind', hasLastEvent: false, strictByDefault: false },
}

class Connector {
  readonly #run: Run
  readonly #log: Json[] = []
  readonly #users = new Map<string, { readonly state: State; readonly at: string }>()
  #id: string | null = null
  #provider: string | null = null
  #state: State | null = null
  #checkedAt: string | null = null
  #health: string | null = null

  constructor(run: Run) {
    this.#run = run
  }

  take(event: Input): void {
    const payload = this.#run.parse(event)
    if (payload === null) return
    const next = STATE_BY_TYPE.get(event.event_type)
    if (next === undefined) this.#takeUser(event, payload)
    else this.#move(event, payload, this.#stateAfter(next, payload))
  }

  state(): JsonObject {
    const users = [...this.#users].sort(([a], [b]) => byCodePoint(a, b))
    return {
      connector_id: this.#id,
      current_state: this.#state,
      provider: this.#provider,
      last_health_check: this.#checkedAt === null ? null : writtenTime(this.#checkedAt),
      ...(this.#run.reference ? {} : { last_health_status: this.#health }),
      transition_log: this.#log,
      user_connections: users.map(([user_id, { state, at }]) => ({
        user_id,
        state,
        last_event_at: writtenTime(at),
      })),
    }
  }

  /** A check that finds no health is none of it, though to the reference it is. */
  #stateAfter(next: State, payload: JsonObject): State {
    const isUnwell = next === 'healthy' && payload['health_status'] !== 'healthy'
    return isUnwell && !this.#run.reference ? 'degraded' : next
  }

  #move(event: Input, payload: JsonObject, next: State): void {
    const isCheck = event.event_type === HEALTH_CHECKED
    const isRepeated = isCheck && next === this.#state && !this.#run.reference
    if (!isRepeated && !MOVES[this.#state ?? 'none'].includes(next)) {
      const detail = `${this.#state ?? 'none'} to ${next} is not allowed`
      this.#run.report(event, 'invalid_transition', detail)
      return
    }
    if (!this.#run.reference) this.#checkPrevious(event, payload)
    const at = textOf(payload, 'recorded_at')
    this.#state = next
    this.#id = textOf(payload, 'connector_id')
    this.#provider = textOf(payload, 'provider')
    if (!isRepeated) this.#log.push([event.event_id, next])
    if (isCheck) {
      this.#checkedAt = at
      this.#health = textOf(payload, 'health_status')
    }
    const user = textOf(payload, 'user_id')
    if (user !== '') this.#setUser(user, next, at)
  }

  #checkPrevious(event: Input, payload: JsonObject): void {
    const claimed = textOf(payload, 'previous_state')
    if (event.event_type !== 'ConnectorReconnected' || claimed === this.#state) return
    const detail = `reconnected from ${claimed}, but it was ${this.#state ?? 'none'}`
    this.#run.report(event, 'previous_state_mismatch', detail, { path: 'previous_state' })
  }

  #takeUser(event: Input, payload: JsonObject): void {
    const user = textOf(payload, 'user_id')
    if (event.event_type === DISCONNECTED && !this.#users.has(user)) {
      const detail = `${user || 'no one'} was not connected`
      this.#run.report(event, 'invalid_transition', detail, { path: 'user_id' })
    }
    const state = event.event_type === CONNECTED ? 'provisioned' : 'revoked'
    this.#setUser(user, state, textOf(payload, 'recorded_at'))
  }

  #setUser(user: string, state: State, at: string): void {
    this.#users.set(user, { state, at })
  }
}
