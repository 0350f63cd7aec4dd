/** Who is present at the other hubs: told over core NATS, stored nowhere, gone with the hub that told it. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { BEAT_MS, PRESENT_MAX, SILENCE_MAX_MS } from '../limits.ts'
import type { Others, OthersListener, Present } from '../links/presence.ts'
import type { Nats } from './connect.ts'
import { tokenOf } from '../data/messages.ts'

const BEAT = 'aw.beat'
const WHO = 'aw.who'
const HUBS_MAX = 64
const PROJECTS_MAX = 10_000

const SIGN = z.object({ hub: z.string().max(64) })
const STATE = SIGN.extend({
  team: z.string(),
  project_uuid: z.string(),
  present: z
    .array(
      z.object({
        member: z.string(),
        focus: z.object({ mission: z.string(), wp: z.string().optional() }),
      }),
    )
    .max(PRESENT_MAX),
})
type State = z.infer<typeof STATE>
type OtherHub = { seenMs: number; readonly stateByKey: Map<string, State> }

export class RemotePresence implements Others {
  readonly #id = randomUUID()
  readonly #hubById = new Map<string, OtherHub>()
  #listener: OthersListener | null = null
  #nats: Nats | null = null
  #timer: NodeJS.Timeout | undefined

  bind(listener: OthersListener): void {
    this.#listener = listener
    this.#timer = setInterval(() => this.#beat(), BEAT_MS)
  }

  /** A connection was made; it ends with the signal. */
  attach(nats: Nats, signal: AbortSignal): void {
    this.#nats = nats
    signal.addEventListener('abort', () => {
      if (this.#nats === nats) this.#nats = null
    })
    nats.connection.subscribe('aw.>', {
      callback: (error, message) => {
        if (error === null) this.#hear(message.subject, message.string())
      },
    })
    this.#say(WHO, {})
    this.#tellAll()
  }

  tell(team: string, project_uuid: string, present: readonly Present[]): void {
    const subject = `aw.state.${tokenOf(team)}.${tokenOf(project_uuid)}`
    this.#say(subject, { team, project_uuid, present })
  }

  of(team: string, projectUuid: string): readonly Present[] {
    const key = keyOf(team, projectUuid)
    return [...this.#hubById.values()].flatMap(({ stateByKey }) =>
      (stateByKey.get(key)?.present ?? []).map(({ member, focus: { mission, wp } }) => ({
        member,
        focus: { mission, ...(wp === undefined ? {} : { wp }) },
      })),
    )
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #say(subject: string, fields: object): void {
    const { connection } = this.#nats ?? {}
    if (connection === undefined || connection.isClosed()) return
    connection.publish(subject, JSON.stringify({ hub: this.#id, ...fields }))
  }

  #hear(subject: string, text: string): void {
    const value = parsed(text)
    const { data: sign } = SIGN.safeParse(value)
    if (sign === undefined || sign.hub === this.#id) return
    const hub = this.#hub(sign.hub)
    hub.seenMs = performance.now()
    if (subject === WHO) return this.#tellAll()
    const { data: state } = STATE.safeParse(value)
    if (subject === BEAT || state === undefined) return
    const key = keyOf(state.team, state.project_uuid)
    if (state.present.length === 0) hub.stateByKey.delete(key)
    else if (hub.stateByKey.size < PROJECTS_MAX) hub.stateByKey.set(key, state)
    this.#listener?.changed(state.team, state.project_uuid)
  }

  #hub(id: string): OtherHub {
    const hub = this.#hubById.get(id) ?? { seenMs: 0, stateByKey: new Map<string, State>() }
    if (this.#hubById.size < HUBS_MAX) this.#hubById.set(id, hub)
    return hub
  }

  #tellAll(): void {
    for (const { team, projectUuid, present } of this.#listener?.all() ?? []) {
      this.tell(team, projectUuid, present)
    }
  }

  #beat(): void {
    this.#say(BEAT, {})
    const oldestMs = performance.now() - SILENCE_MAX_MS
    for (const [id, { seenMs, stateByKey }] of this.#hubById) {
      if (seenMs >= oldestMs) continue
      this.#hubById.delete(id)
      for (const { team, project_uuid } of stateByKey.values()) {
        this.#listener?.changed(team, project_uuid)
      }
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function keyOf(team: string, projectUuid: string): string {
  return `${team} ${projectUuid}`
}
