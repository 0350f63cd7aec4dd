/**
 * Who looks at the machines of the background process: each over a control connection that stays, fed by a collector for each
 * runtime that is open. Nobody there, nothing is collected.
 */
import type { Socket } from 'node:net'
import { parseJson } from '../contracts/json/json.ts'
import { BoundedTeller } from '../inspect/bounded-teller.ts'
import type { Following } from '../inspect/following.ts'
import { ASK } from '../inspect/client-protocol.ts'
import type { Runtime } from '../runtime.ts'
import { type ControlRequest, LINE_LENGTH_MAX } from './protocol.ts'

type InspectRequest = Extract<ControlRequest, { readonly type: 'inspect' }>

type Open = { readonly project: string; readonly runtime: Runtime; readonly number: number }

const INSPECTORS_MAX = 4
/** What may wait in a connection. */
const WAITING_BYTES_MAX = 1024 * 1024

export class Inspectors {
  readonly #open = new Set<Open>()
  readonly #inspectors = new Set<Inspector>()
  #count = 0

  get areThere(): boolean {
    return this.#inspectors.size > 0
  }

  /** A runtime is there: who looks is shown it, too. Returns what is to be called once it is stopped. */
  attach(project: string, runtime: Runtime): () => void {
    this.#count += 1
    const one = { project, runtime, number: this.#count }
    this.#open.add(one)
    for (const inspector of this.#inspectors) inspector.look(one)
    return () => {
      this.#open.delete(one)
      for (const inspector of this.#inspectors) inspector.leave(one)
    }
  }

  take(request: InspectRequest, socket: Socket): object | 'kept' {
    if (this.#inspectors.size >= INSPECTORS_MAX) {
      return { ok: false, error: { code: 'INSPECTORS_MAX' } }
    }
    const inspector = new Inspector(request, socket)
    this.#inspectors.add(inspector)
    socket.on('close', () => {
      this.#inspectors.delete(inspector)
      inspector.end()
    })
    for (const one of this.#open) inspector.look(one)
    return 'kept'
  }
}

class Inspector {
  readonly #request: InspectRequest
  readonly #teller: BoundedTeller
  readonly #followings = new Map<Open, Promise<Following | null>>()
  #text = ''

  constructor(request: InspectRequest, socket: Socket) {
    this.#request = request
    this.#teller = new BoundedTeller({
      write: (message) => socket.write(`${JSON.stringify(message)}\n`),
      isFull: () => socket.destroyed || socket.writableLength > WAITING_BYTES_MAX,
    })
    socket.write(`${JSON.stringify({ ok: true })}\n`)
    socket.on('data', (chunk: string) => {
      if (!this.#take(chunk)) socket.destroy()
    })
  }

  look(one: Open): void {
    const { project } = this.#request
    if (project !== null && project !== one.project) return
    const following = one.runtime.follow((message) => this.#teller.tell(message), one.number)
    this.#followings.set(
      one,
      following.catch(() => null),
    )
  }

  leave(one: Open): void {
    void this.#followings.get(one)?.then((following) => following?.stop())
    this.#followings.delete(one)
  }

  end(): void {
    for (const one of this.#followings.keys()) this.leave(one)
  }

  /** False for what can't be understood, or isn't allowed. */
  #take(chunk: string): boolean {
    this.#text += chunk
    const lines = this.#text.split('\n')
    this.#text = lines.pop() ?? ''
    if (this.#text.length > LINE_LENGTH_MAX) return false
    return lines.every((line) => this.#send(line))
  }

  #send(line: string): boolean {
    const ask = ASK.safeParse(jsonOf(line))
    if (!this.#request.send || !ask.success || ask.data.ask !== 'send') return false
    const { sessionId, event } = ask.data
    for (const following of this.#followings.values()) void sendTo(following, sessionId, event)
    return true
  }
}

/** One of them has the actor; that the others don't is no fault. */
async function sendTo(
  following: Promise<Following | null>,
  sessionId: string,
  event: { readonly type: string },
): Promise<void> {
  try {
    ;(await following)?.send(sessionId, event)
  } catch {
    // It is not told: what comes of an event is seen at the machine.
  }
}

function jsonOf(line: string): unknown {
  try {
    return parseJson(line, LINE_LENGTH_MAX)
  } catch {
    return null
  }
}
