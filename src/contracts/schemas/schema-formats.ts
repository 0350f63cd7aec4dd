/** The formats that our JSON Schemas name. Other validators may take them for notes; ours hold values to them. */
import { isIsoDate } from '../values/iso-date.ts'
import { isHttpUrl, isUuid } from '../values/scalars.ts'
import { isDateTime } from '../values/timestamp.ts'

export const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': isDateTime,
  uuid: isUuid,
  uri: isHttpUrl,
  'iso-8601': isIsoDate,
}
