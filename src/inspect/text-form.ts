/** The messages as lines for a terminal: what changes, what passes between threads, and what becomes of events. */
import { counted } from '../contracts/values/counted.ts'
import type { FeedMessage } from './protocol.ts'
import { stateText } from '../page/state-text.ts'

export class TextForm {
  readonly #nameByKey = new Map<string, string>()

  /** Null for what a reader would not miss. */
  line(message: FeedMessage): string | null {
    const text = this.#text(message)
    return text === null ? null : `${timeOf(message)}  ${text}`
  }

  #text(message: FeedMessage): string | null {
    switch (message.type) {
      case '@xstate.actor':
        this.#nameByKey.set(message.sessionId, message.name)
        return `${pad(message.name)}  is there${stateOf(message.snapshot.value)}`
      case '@xstate.microstep': {
        const steps = message.transitions.filter(({ targets }) => targets.length > 0)
        if (steps.length === 0) return null
        const ways = steps.map(
          ({ source, targets }) =>
            `${short(source)} ► ${targets.map((target) => short(target)).join(', ')}`,
        )
        return `${pad(this.#nameOf(message.sessionId))}  ${message.event.type}: ${ways.join('; ')}`
      }
      case '@xstate.snapshot': {
        const { status } = message.snapshot
        return status === 'active' ? null : `${pad(this.#nameOf(message.sessionId))}  ${status}`
      }
      case 'kittiwake.message':
        return messageText(message)
      case 'kittiwake.fate': {
        const { eventId, stage, eventType, reason, commit } = message
        const words = [eventType, commit?.slice(0, 12), reason].filter((word) => word !== undefined)
        return `${pad('event')}  ${eventId} ${stage}${words.length === 0 ? '' : ` (${words.join(', ')})`}`
      }
      case 'kittiwake.sampled':
        return `${pad('…')}  ${counted(message.leftOut, 'message')} left out (${message.reason})`
      case 'kittiwake.ended':
        return `${pad('process')}  ${message.process} ended (${message.reason})`
      default:
        return null
    }
  }

  #nameOf(key: string): string {
    return this.#nameByKey.get(key) ?? key
  }
}

function messageText({
  phase,
  name,
  from,
  to,
  latency,
}: Extract<FeedMessage, { readonly type: 'kittiwake.message' }>): string | null {
  const thread = pad(short(phase === 'posted' ? to : from, '/'))
  switch (phase) {
    case 'posted':
      return null
    case 'answered':
      return `${thread}  ${name} in ${latency?.totalMs.toFixed(1) ?? '?'} ms${waited(latency)}`
    case 'reported':
      return `${thread}  reports ${name}`
    case 'crashed':
      return `${thread}  CRASHED: ${name}`
  }
}

function waited(latency: { readonly queuedMs?: number | undefined } | undefined): string {
  const queuedMs = latency?.queuedMs ?? 0
  return queuedMs >= 1 ? `, ${queuedMs.toFixed(1)} of them waiting` : ''
}

function timeOf({ createdAt }: FeedMessage): string {
  const at = new Date(Number(createdAt))
  return Number.isNaN(at.getTime()) ? '--:--:--.---' : at.toISOString().slice(11, 23)
}

/** Without what stands before the first `.`, which is the machine's name; or before a `/`. */
function short(id: string, mark = '.'): string {
  const at = id.indexOf(mark)
  return at === -1 ? id : id.slice(at + 1)
}

function pad(name: string): string {
  return name.padEnd(14)
}

function stateOf(value: unknown): string {
  const text = stateText(value)
  return text === '' ? '' : `: ${text}`
}
