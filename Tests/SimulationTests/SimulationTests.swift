import Simulation
import Testing

@Suite("Simulated lessons")
struct SimulationTests {
    @Test("lose nothing that was promised, whatever dies, fails or fills up, and whenever")
    func lessons() {
        var campaign = Campaign()
        campaign.run(lessons: 1_000, seed: 1)
        #expect(campaign.failures.isEmpty, "\(campaign.failures)")
        #expect(campaign.powerCuts > 100 && campaign.kills > 100 && campaign.errors > 100)
    }

    @Test("come again from their seed")
    func again() {
        let seeds: [UInt64] = [3, 4, 5, 6]
        for seed in seeds {
            var campaigns = [Campaign(), Campaign()]
            for index in 0...1 { campaigns[index].run(lessons: 1, seed: seed) }
            #expect(campaigns[0].summary == campaigns[1].summary)
        }
    }

    @Test(
        "find out a disk that says it synced what it did not",
        arguments: [Lie.filesAreSynced, .foldersAreSynced]
    )
    func lies(_ lie: Lie) {
        var campaign = Campaign()
        campaign.run(lessons: 2_000, seed: 1, lie: lie)
        #expect(campaign.failures.count == 10)
    }
}
