/**
 * Values of mailboxes as an inspector may see them: data only, cut where it is long, without what reorders or hides text,
 * and sanitized once more (L4), whatever came in.
 */
import type { AnyActorRef, EventObject } from 'xstate'
import { isForbiddenKey, isJsonObject, isPlainObject } from '../contracts/json/json.ts'
import type { Json, JsonObject } from '../contracts/json/json.ts'
import { UNPRINTABLE } from '../contracts/values/unprintable.ts'
import { KittiwakeError } from '../errors.ts'
import type { Sanitizer } from '../events/sanitize.ts'
import type { ShownEvent } from './protocol.ts'

export type Shower = {
  readonly event: (event: EventObject) => ShownEvent
  /** For the few words that come again and again: types of events and actions, names of actors. */
  readonly text: (words: string) => string
  readonly value: (value: unknown) => Json | undefined
}

const TEXT_MAX = 300
const ITEMS_MAX = 20
const KEYS_MAX = 40
const DEPTH_MAX = 8
/** Words whose clean form is remembered. */
const TEXTS_MAX = 1_000
/** Serialized events of one command that are shown whole. */
const EVENTS_MAX = 3
const EVENT_LENGTH_MAX = 4_096
/** A hub's names (see the socket's protocol), and what is code or a whole actor. */
const HIDDEN = new Set(['origin', 'team', 'team_slug', 'epoch', 'logic', 'input'])
const UNSHOWABLE: JsonObject = { '…': 'not shown: it could not be sanitized' }

export function createShower(sanitizer: Sanitizer, keyOf: (actor: AnyActorRef) => string): Shower {
  // A command stands in several events one after the other.
  const known = new WeakMap<object, JsonObject>()
  const texts = new Map<string, string>()

  const reduce = (value: unknown, depth: number): Json | undefined => {
    if (value === null || typeof value === 'boolean') return value
    if (typeof value === 'string') return cut(value)
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object') return undefined
    if (isActor(value)) return keyOf(value)
    if (depth >= DEPTH_MAX) return '…'
    if (Array.isArray(value)) return reduceList(value, depth)
    if (value instanceof KittiwakeError) return { code: value.code, message: cut(value.message) }
    if (value instanceof Error) return { name: cut(value.name) }
    return isPlainObject(value) ? reduceObject(value, depth) : { '…': cut(value.constructor.name) }
  }

  const reduceList = (values: readonly unknown[], depth: number): Json => {
    const items: Json[] = values.slice(0, ITEMS_MAX).map((one) => reduce(one, depth + 1) ?? null)
    if (values.length > ITEMS_MAX) items.push({ '…': values.length - ITEMS_MAX })
    return items
  }

  const reduceObject = (value: object, depth: number): JsonObject => {
    const entries = Object.entries(value).filter(
      ([key]) => !HIDDEN.has(key) && !isForbiddenKey(key),
    )
    const shown: [string, Json][] = []
    for (const [key, one] of entries.slice(0, KEYS_MAX)) {
      const reduced = key === 'command' ? command(one, depth) : reduce(one, depth + 1)
      if (reduced !== undefined) shown.push([cut(key), reduced])
    }
    if (entries.length > KEYS_MAX) shown.push(['…', entries.length - KEYS_MAX])
    return Object.fromEntries(shown)
  }

  const command = (value: unknown, depth: number): Json | undefined => {
    if (typeof value !== 'object' || value === null) return reduce(value, depth + 1)
    const before = known.get(value)
    if (before !== undefined) return before
    const events = 'events' in value && Array.isArray(value.events) ? value.events : null
    const opened = events === null ? value : { ...value, events: openEvents(events) }
    const shown = clean(reduceObject(opened, depth + 1))
    known.set(value, shown)
    return shown
  }

  const text = (words: string): string => {
    const before = texts.get(words)
    if (before !== undefined) return before
    const shown = clean({ text: cut(words) })['text']
    const told = typeof shown === 'string' ? shown : '…'
    if (texts.size >= TEXTS_MAX) texts.clear()
    texts.set(words, told)
    return told
  }

  const clean = (value: JsonObject): JsonObject => {
    try {
      const cleaned = sanitizer.sanitize(value).value
      return isJsonObject(cleaned) ? cleaned : UNSHOWABLE
    } catch {
      return UNSHOWABLE
    }
  }

  return {
    event: (event) => {
      const {
        type,
        command: asked,
        ...rest
      } = event as EventObject & { readonly command?: unknown }
      const shown = clean(reduceObject(rest, 0))
      // A command is cleaned on its own, once.
      const told = asked === undefined ? undefined : command(asked, 0)
      return { ...shown, ...(told === undefined ? {} : { command: told }), type: text(type) }
    },
    text,
    value: (value) => {
      const shown = reduce(value, 0)
      return shown === undefined ? undefined : clean({ value: shown })['value']
    },
  }
}

function openEvents(texts: readonly unknown[]): readonly unknown[] {
  const opened = texts.slice(0, EVENTS_MAX).map((text) => {
    if (typeof text !== 'string' || text.length > EVENT_LENGTH_MAX) return text
    try {
      return JSON.parse(text) as unknown
    } catch {
      return text
    }
  })
  return texts.length > EVENTS_MAX ? [...opened, { '…': texts.length - EVENTS_MAX }] : opened
}

function cut(text: string): string {
  const rest = text.length - TEXT_MAX
  const head = rest > 0 ? `${text.slice(0, TEXT_MAX)}…(${rest} more)` : text
  return head
    .replace(UNPRINTABLE, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/\p{Surrogate}/gu, '\\u{fffd}')
}

function isActor(value: object): value is AnyActorRef {
  return 'sessionId' in value && 'getSnapshot' in value && 'send' in value
}
