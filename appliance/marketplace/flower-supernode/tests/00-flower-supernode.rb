# Certification of the Flower SuperNode: one VM by itself. The image has Flower whole, so its SuperLink runs beside it.
require_relative '../../../lib/community/app_handler'

describe 'Appliance Certification' do
    include_context('vm_handler')

    # Each command of this file ends with 0 when it is as it should be.
    def ok(command)
        result = @info[:vm].ssh(command)
        expect(result.exitstatus).to eq(0), "#{command}: #{result.stdout}#{result.stderr}"
    end

    it 'waits for the SuperLink that the CONTEXT names' do
        ok('timeout 120 sh -c "until flower-context status | grep -q 127.0.0.1:9092; do sleep 2; done"')
        ok('! flower-context ready --timeout 0')
    end

    it 'is ready when a SuperLink is there and has accepted it' do
        ok('systemd-run --quiet --uid=flower --unit=certification --property=StateDirectory=flower/certification --setenv=HOME=/var/lib/flower/certification --setenv=PATH=/run/flower-context/env/bin:/usr/bin:/bin /run/flower-context/env/bin/flower-superlink --insecure --fleet-api-type grpc-rere --fleet-api-address 127.0.0.1:9092')
        ok('flower-context ready --timeout 600')
        ok('systemctl is-active flower-supernode.service')
    end

    it 'says so as the one-apps framework does' do
        ok('timeout 120 sh -c "until grep -q All.set.and.ready.to.serve /etc/motd; do sleep 2; done"')
        ok('grep -qx bootstrap_success /etc/one-appliance/status')
    end

    it 'has no unit that failed' do
        ok('test -z "$(systemctl list-units --failed --no-legend)"')
    end
end
