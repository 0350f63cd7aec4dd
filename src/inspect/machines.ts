/** Every machine of the house by its name, for those who look at one without a runtime. */
import type { AnyStateMachine } from 'xstate'
import { commitMachine } from '../actors/commit.machine.ts'
import { connectionMachine } from '../actors/connection.machine.ts'
import { drainMachine } from '../actors/drain.machine.ts'
import { laneMachine } from '../actors/lane.machine.ts'
import { routeMachine } from '../actors/route.machine.ts'
import { supervisorMachine } from '../actors/supervisor.machine.ts'
import { workerMachine } from '../actors/worker.machine.ts'
import { type Definition, definitionOf } from './definition.ts'

const MACHINES: readonly AnyStateMachine[] = [
  commitMachine,
  connectionMachine,
  drainMachine,
  laneMachine,
  routeMachine,
  supervisorMachine,
  workerMachine,
]

/** In the order of their names. */
export function machineDefinitions(): readonly Definition[] {
  return MACHINES.map(definitionOf)
}
