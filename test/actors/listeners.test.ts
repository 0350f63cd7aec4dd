import { describe, expect, it } from 'vitest'
import { createListeners } from '#dist/actors/listeners.js'

const WARNING = { code: 'W', message: 'w' }

describe('listeners', () => {
  it('are told in the order in which they came, until they stop', () => {
    const { on, tell } = createListeners()
    const told: string[] = []
    const stopFirst = on('warning', () => void told.push('first'))
    on('warning', ({ code }) => void told.push(`second ${code}`))
    on('error', () => void told.push('error'))
    tell('warning', WARNING)
    stopFirst()
    stopFirst()
    tell('warning', WARNING)
    expect(told).toEqual(['first', 'second W', 'second W'])
  })

  it('that are one function registered twice are two', () => {
    const { on, tell } = createListeners()
    let count = 0
    const listener = (): void => {
      count += 1
    }
    const stop = on('warning', listener)
    on('warning', listener)
    tell('warning', WARNING)
    expect(count).toBe(2)
    stop()
    tell('warning', WARNING)
    expect(count).toBe(3)
  })

  it('that add a listener while they are told end, and the new one hears the next event', () => {
    const { on, tell } = createListeners()
    let count = 0
    const add = (): void => {
      count += 1
      on('warning', add)
    }
    add()
    tell('warning', WARNING)
    expect(count).toBe(2)
    tell('warning', WARNING)
    expect(count).toBe(4)
  })

  it('that throw or reject are reported to the listeners of errors; the others are told', async () => {
    const { on, tell } = createListeners()
    const told: string[] = []
    on('warning', () => {
      throw new Error('first')
    })
    on('warning', async () => Promise.reject(new Error('second')))
    on('warning', () => void told.push('third'))
    on('error', ({ code, message }) => void told.push(`${code}: ${message}`))
    tell('warning', WARNING)
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    const report = 'LISTENER_THREW: a listener of warning threw'
    expect(told).toEqual([report, 'third', report])
  })

  it('of errors that throw themselves are not told of it again', () => {
    const { on, tell } = createListeners()
    let count = 0
    on('error', () => {
      count += 1
      throw new Error('again')
    })
    tell('error', WARNING)
    expect(count).toBe(1)
  })
})
