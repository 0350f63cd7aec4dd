import { describe, expect, it } from 'vitest'
import * as errors from '#dist/errors.js'

const { errorFromWire, errorToWire, exitCodeOf, KittiwakeError } = errors
const CLASSES = [
  errors.UsageError,
  errors.InputError,
  errors.SanitizeError,
  errors.ProjectError,
  errors.StoreError,
  errors.GitError,
  errors.LinkError,
  errors.RuntimeError,
  KittiwakeError,
]

describe('an error that crosses a thread', () => {
  it.each(CLASSES)('comes out as what went in: %o', (Class) => {
    const cause = new Error('wren-cove-4471')
    const error = new Class('SOME_CODE', 'what was expected', {
      hint: 'do it',
      retryable: true,
      cause,
    })
    const wire = errorToWire(error)
    expect(JSON.stringify(wire)).not.toContain('wren')
    const again = errorFromWire(structuredClone(wire))
    expect(again).toBeInstanceOf(Class)
    expect([again.name, again.code, again.message, again.hint, again.retryable()]).toEqual([
      error.name,
      'SOME_CODE',
      'what was expected',
      'do it',
      true,
    ])
  })

  it.each([
    [Object.assign(new Error("ENOENT: no such file, open '/wren'"), { code: 'ENOENT' }), 'ENOENT'],
    [new TypeError('wren is not a function'), 'TypeError'],
    ['wren', 'string'],
    [null, 'object'],
  ])('shows of what nobody expected its kind alone, never its text (L4)', (thrown, kind) => {
    const wire = errorToWire(thrown)
    expect(wire).toMatchObject({ code: 'INTERNAL', retryable: false })
    expect(wire.message).toContain(kind)
    expect(JSON.stringify(wire)).not.toContain('wren')
  })

  it.each(['EMFILE', 'ENFILE'])('of a limit of the system is no bug: %s (F11)', (code) => {
    const thrown = Object.assign(new Error("open '/wren'"), { code })
    for (const told of [errorToWire(thrown), errors.errorDocument(thrown).error]) {
      expect(told).toMatchObject({
        code: 'FILES_EXHAUSTED',
        hint: expect.stringContaining('ulimit'),
      })
      expect(JSON.stringify(told)).not.toContain('wren')
    }
  })

  it('of a class that this version does not know is an error all the same', () => {
    const wire = { ...errorToWire(new KittiwakeError('C', 'm')), name: 'constructor' }
    expect(errorFromWire(wire)).toBeInstanceOf(KittiwakeError)
    expect(errorFromWire(wire)).toMatchObject({ code: 'C', hint: null })
  })
})

describe('an error', () => {
  it('is shown as code, message and hint', () => {
    const error = new errors.StoreError('OUTBOX_FULL', 'full', { cause: new Error('x') })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'OUTBOX_FULL',
      message: 'full',
      hint: null,
    })
    expect(error.retryable()).toBe(false)
  })

  it('decides the exit code', () => {
    expect(exitCodeOf(new errors.UsageError('USAGE', 'm'))).toBe(2)
    expect(exitCodeOf(new errors.LinkError('NOT_AUTHENTICATED', 'm'))).toBe(3)
    expect(exitCodeOf(new errors.StoreError('OUTBOX_FULL', 'm'))).toBe(1)
    expect(exitCodeOf(new Error('a bug'))).toBe(1)
  })
})
