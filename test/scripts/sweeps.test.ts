/** Every command of the program is swept, or it is said why not; a new one has to choose. */
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '#dist/cli/run.js'
import { commandOf, NOT_SWEPT, WRITING } from '../../scripts/kill-scenarios.mjs'

const commands = COMMANDS.map(({ paths = [] }) => (paths[0] ?? []).join(' '))
const ofCommand = (scenario: string) => commandOf(scenario, commands)

describe('the sweeps', () => {
  it('have every command of the program, or a reason why not', () => {
    const swept = new Set(Object.keys(WRITING).map(ofCommand))
    const known = new Set([...swept, ...Object.keys(NOT_SWEPT)])
    expect(commands.filter((name) => !known.has(name))).toEqual([])
    expect(Object.keys(NOT_SWEPT).filter((name) => swept.has(name))).toEqual([])
  })

  it('have nothing that is no command any more', () => {
    expect(Object.keys(WRITING).filter((scenario) => ofCommand(scenario) === null)).toEqual([])
    expect(Object.keys(NOT_SWEPT).filter((name) => !commands.includes(name))).toEqual([])
  })
})
