import { serve } from '../serve.ts'
import { openSocketService } from './socket-service.ts'

await serve(openSocketService)
