import { expect, it } from 'vitest'
import { withPoolPulse } from '#dist/workers/git/pool-pulse.js'

it('beats while the work is under way, so that a lost wake-up is made good', async () => {
  let wake = (): void => undefined
  const stuck = new Promise<string>((resolve) => {
    wake = () => resolve('went on')
  })
  expect(
    await withPoolPulse(
      async () => stuck,
      () => wake(),
    ),
  ).toBe('went on')
})

it('ends with the work, also when that fails', async () => {
  const before = timers()
  await expect(withPoolPulse(async () => Promise.reject(new Error('failed')))).rejects.toThrow()
  expect(timers()).toBe(before)
})

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}
