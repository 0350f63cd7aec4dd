/** Whether a worker has failed for good, and what its runtime did before. */
import { flightFolder, flightNames } from '../inspect/flight-recorder.ts'
import { type Check, note } from './check.ts'

export function checkFlights(state: string): readonly Check[] {
  const names = flightNames(flightFolder(state))
  const [newest] = names
  if (newest === undefined) return []
  const detail = `${names.length} kept of runtimes that lost a worker for good, last ${newest}`
  return [note('flights', detail, `See \`kittiwake inspect --trace ${newest}\`.`)]
}
