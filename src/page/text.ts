/** Words and numbers as they are shown. */
import { named } from '../contracts/values/counted.ts'
import { UNPRINTABLE } from '../contracts/values/unprintable.ts'
import { DEPTH_MAX, stateText } from './state-text.ts'

const TIME = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const COUNT = new Intl.NumberFormat('en')

/** Characters that would reorder, hide or control are spelled instead. */
export function visible(text: string): string {
  return text
    .replace(UNPRINTABLE, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/\p{Surrogate}/gu, '\\u{fffd}')
}

/** `14:02:31.075` of Unix milliseconds. */
export function clockTime(createdAt: string): string {
  const ms = Number(createdAt)
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return '--:--:--.---'
  return `${TIME.format(ms)}.${String(((Math.floor(ms) % 1000) + 1000) % 1000).padStart(3, '0')}`
}

/** `0.25 ms`, `27.8 ms`, `1.20 s`, `3 min 5 s`, `2 h 4 min`. */
export function duration(ms: number): string {
  if (ms < 10) return `${Math.max(0, ms).toFixed(2)} ms`
  if (ms < 1_000) return `${ms.toFixed(1)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds.toFixed(2)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** An age, where fractions would only flicker: `4 s`, `3 min`, `2 h 4 min`. */
export function age(ms: number): string {
  if (ms < 60_000) return `${Math.max(0, Math.floor(ms / 1_000))} s`
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export function count(value: number): string {
  return COUNT.format(value)
}

export function counted(value: number, one: string, many?: string): string {
  return `${count(value)} ${named(value, one, many)}`
}

/** The last part of a long id, which tells more than the first. */
export function shortId(id: string): string {
  return id.length <= 10 ? id : `…${id.slice(-8)}`
}

/** Its innermost parts alone, where there is little room: `live · watched`. */
export function leafText(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return stateText(value)
  const parts = Object.entries(value).map(([key, inner]) => leafText(inner, depth + 1) || key)
  return parts.join(' · ')
}

/** What XState calls by its own long names, in plain ones: `after backoff`, `done thread`, `start`. */
export function eventText(type: string): string {
  const [, kind, name] =
    /^xstate\.(after|done\.(?:actor|state)|error\.actor)\.([^.]+)/.exec(type) ?? []
  if (kind !== undefined) return visible(`${kind.split('.')[0]} ${name}`)
  if (type === 'xstate.init') return 'start'
  return type === 'xstate.stop' ? 'stop' : visible(type)
}
