/**
 * One walk through a value that anybody may have made: whether it is JSON at all, how deep and how much it is, and which of
 * its keys the contracts forbid. Iterative, so that depth costs no stack; bounded, so that a cycle ends.
 */
import { isForbiddenKey, isPlainObject, JSON_DEPTH_MAX } from '../json/json.ts'
import { violation, VIOLATIONS_MAX, type Path, type Violation } from './violation.ts'

/** The keys of the time before the cutover, and one that was never meant to travel. */
export const FORBIDDEN_LEGACY_KEYS: ReadonlySet<string> = new Set([
  'feature_slug',
  'feature_number',
  'mission_key',
  'legacy_aggregate_id',
])

/** Values in one input; what holds more is no event. */
export const VALUES_MAX = 200_000

type Frame = {
  readonly container: Readonly<Record<string, unknown>> | readonly unknown[]
  /** Null for arrays. */
  readonly keys: readonly string[] | null
  readonly length: number
  next: number
}

type Visit = {
  /** Called for each key of an object, before its value is entered. */
  readonly onKey: (key: string, frames: readonly Frame[]) => void
  /** Called for each value that contains none, and for each object or array; true to enter that. */
  readonly onValue: (value: unknown, frames: readonly Frame[]) => boolean
  /** Called where the walk ends early. */
  readonly onTooMany: () => void
}

/** Everything that keeps the value from being judged, and every forbidden key, in the order of the text. */
export function inspectValue(root: unknown): readonly Violation[] {
  // Nearly every value has no fault, and a walk that can say where one is takes three times as long.
  if (isFaultless(root, 0, { left: VALUES_MAX })) return []
  const found: Violation[] = []
  const add = (one: Violation): void => {
    if (found.length < VIOLATIONS_MAX) found.push(one)
  }
  let isDeep = false
  walk(root, {
    onKey: (key, frames) => {
      if (FORBIDDEN_LEGACY_KEYS.has(key)) add(forbidden(key, pathOf(frames)))
      if (isForbiddenKey(key)) {
        add(violation('input', 'unsafe_key', pathOf(frames), 'a key that reaches the prototype'))
      }
      if (!key.isWellFormed()) add(loneSurrogate(pathOf(frames)))
    },
    onValue: (value, frames) => {
      const fault = faultOf(value)
      if (fault !== null) add(violation('input', fault[0], pathOf(frames), fault[1]))
      if (frames.length === JSON_DEPTH_MAX && isContainer(value) && !isDeep) {
        isDeep = true
        const message = `nested deeper than ${JSON_DEPTH_MAX} levels`
        add(violation('input', 'too_deep', pathOf(frames), message))
      }
      return fault === null
    },
    onTooMany: () =>
      add(violation('input', 'too_many_values', [], `more than ${VALUES_MAX} values`)),
  })
  return found
}

/** The paths of forbidden keys, at any depth and in the order of the text; `keys` may name others than the contracts do. */
export function findForbiddenKeys(
  root: unknown,
  keys: ReadonlySet<string> = FORBIDDEN_LEGACY_KEYS,
): readonly Path[] {
  const paths: Path[] = []
  walk(root, {
    onKey: (key, frames) => {
      if (keys.has(key)) paths.push(pathOf(frames))
    },
    onValue: () => true,
    onTooMany: () => undefined,
  })
  return paths
}

/** Whether there is more than is ever looked through: what was not found then may still be there. */
export function hasTooManyValues(root: unknown): boolean {
  let isTooMany = false
  walk(root, {
    onKey: () => undefined,
    onValue: () => true,
    onTooMany: () => {
      isTooMany = true
    },
  })
  return isTooMany
}

function isFaultless(value: unknown, depth: number, values: { left: number }): boolean {
  values.left -= 1
  if (values.left < 0 || faultOf(value) !== null) return false
  if (!isContainer(value)) return true
  if (depth >= JSON_DEPTH_MAX) return false
  if (Array.isArray(value)) {
    return (value as readonly unknown[]).every((item) => isFaultless(item, depth + 1, values))
  }
  for (const key of Object.keys(value)) {
    if (FORBIDDEN_LEGACY_KEYS.has(key) || isForbiddenKey(key) || !key.isWellFormed()) return false
    if (!isFaultless(entryOf(value, key), depth + 1, values)) return false
  }
  return true
}

function walk(root: unknown, { onKey, onValue, onTooMany }: Visit): void {
  const frames: Frame[] = []
  let values = 1
  if (onValue(root, frames) && isContainer(root)) frames.push(frameOf(root))
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.next === frame.length) {
      frames.pop()
      continue
    }
    values += 1
    if (values > VALUES_MAX) return onTooMany()
    const index = frame.next
    frame.next += 1
    const key = frame.keys === null ? null : (frame.keys[index] ?? '')
    if (key !== null) onKey(key, frames)
    const { container } = frame
    const value = key === null ? (container as readonly unknown[])[index] : entryOf(container, key)
    if (isContainer(value)) {
      if (onValue(value, frames)) frames.push(frameOf(value))
    } else onValue(value, frames)
  }
}

function entryOf(container: Frame['container'], key: string): unknown {
  return (container as Readonly<Record<string, unknown>>)[key]
}

function frameOf(container: Frame['container']): Frame {
  const keys = Array.isArray(container) ? null : Object.keys(container)
  const length = keys === null ? (container as readonly unknown[]).length : keys.length
  return { container, keys, length, next: 0 }
}

function pathOf(frames: readonly Frame[]): Path {
  return frames.map(({ keys, next }) => (keys === null ? next - 1 : (keys[next - 1] ?? '')))
}

function isContainer(value: unknown): value is Frame['container'] {
  return typeof value === 'object' && value !== null
}

function faultOf(value: unknown): readonly [code: string, message: string] | null {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? null : ['lone_surrogate', SURROGATE]
    case 'number':
      return Number.isFinite(value) ? null : ['not_finite', 'JSON has no NaN and no Infinity']
    case 'boolean':
      return null
    case 'object':
      return value === null || Array.isArray(value) || isPlainObject(value) ? null : NOT_JSON
    default:
      return NOT_JSON
  }
}

const NOT_JSON = ['not_json', 'no value of JSON'] as const
const SURROGATE = 'half of a surrogate pair'

function forbidden(key: string, path: Path): Violation {
  return violation('forbidden_key', 'FORBIDDEN_KEY', path, `forbidden legacy keys: ${key}`)
}

function loneSurrogate(path: Path): Violation {
  return violation('input', 'lone_surrogate', path, SURROGATE)
}
